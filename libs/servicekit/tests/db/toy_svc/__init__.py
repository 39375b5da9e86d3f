"""A service with one table of each kind, for the tests of the database layer."""
