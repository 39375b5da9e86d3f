"""Plumbing shared by message-driven services."""
