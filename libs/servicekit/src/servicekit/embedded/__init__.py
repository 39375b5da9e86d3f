"""PostgreSQL and Kafka as programs of this process: for development, demonstrations and tests.

A production platform brings its own servers and never imports this package; its programs come with the extra
`servicekit[embedded]`.
"""

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.kafka import KafkaServer, prepare
from servicekit.embedded.postgres import PostgresServer
from servicekit.embedded.process import GuardedProcess

__all__ = ["EmbeddedServerError", "GuardedProcess", "KafkaServer", "PostgresServer", "prepare"]
