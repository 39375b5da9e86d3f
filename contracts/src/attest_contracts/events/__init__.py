"""Constructors of outgoing events, a module a topic, generated from the topic files."""
