"""The qms service."""
