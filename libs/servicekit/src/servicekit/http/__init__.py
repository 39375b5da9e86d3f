"""HTTP: application factory, problems, health, authentication of calls."""
