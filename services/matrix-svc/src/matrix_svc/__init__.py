"""The matrix service."""
