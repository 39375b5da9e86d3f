"""The local platform: PostgreSQL, Kafka and the services as processes under one supervisor."""
