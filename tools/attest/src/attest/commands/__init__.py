"""Subcommands that talk to a running platform."""
