"""Backups of a platform: one consistent cut through all databases, and the way back."""
