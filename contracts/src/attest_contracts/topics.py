"""The topics of Attest as data, read from ``contracts/topics``: services restate nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import yaml

from attest_contracts import files

AUDIT_SUFFIX = ".audit"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    ``key`` names the field of the state that is the Kafka key; ``subject`` is a template over the
    state's fields. ``retention_ms`` is in milliseconds, -1 for ever. ``config`` holds further
    topic settings by their Kafka names, as strings.
    """

    name: str
    description: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    external: bool
    schema: str
    key: str
    subject: str
    partitions: int
    retention_ms: int
    cleanup_policy: str
    event_types: tuple[str, ...]
    event_descriptions: Mapping[str, str] = field(repr=False, compare=False)
    config: Mapping[str, str] = field(repr=False, compare=False)

    @property
    def dataschema(self) -> str:
        """URN of the state schema, for the envelope's ``dataschema``."""
        base, _, version = self.schema.rpartition(".")
        return f"urn:attest:schema:{base}:{version}"

    @property
    def module(self) -> str:
        """Name of the generated module below ``attest_contracts.models``."""
        return module_of(self.schema)

    @property
    def major(self) -> str:
        """The major version of the schema, e.g. ``v1``."""
        return self.schema.rpartition(".")[2]

    def key_of(self, state: Mapping[str, Any]) -> str:
        """The Kafka key of a state; KeyError when the field is missing."""
        return str(state[self.key])

    def subject_of(self, state: Mapping[str, Any]) -> str:
        """The subject of a state; KeyError when a field is missing."""
        return self.subject.format_map(state)

    def kafka_config(self) -> dict[str, str]:
        """All settings that the topic is created with."""
        return {
            "cleanup.policy": self.cleanup_policy,
            "retention.ms": str(self.retention_ms),
            **self.config,
        }


def module_of(schema: str) -> str:
    """``matrix.person-name.v1`` -> ``matrix_person_name``; later majors keep their number."""
    base, _, version = schema.rpartition(".")
    name = base.replace(".", "_").replace("-", "_")
    return name if version == "v1" else f"{name}_{version}"


@cache
def load() -> Mapping[str, Topic]:
    """Every topic by name, in order of name."""
    found = (_read(name) for name in files.names("topics", ".yaml"))
    return MappingProxyType({topic.name: topic for topic in found})


def topics_of(owner: str) -> tuple[Topic, ...]:
    """The topics that a service owns, its audit topic included; empty for an unknown service."""
    return tuple(topic for topic in load().values() if topic.owner == owner)


def consumed_by(service: str) -> tuple[Topic, ...]:
    """The topics that a service listens to; empty for an unknown service."""
    return tuple(topic for topic in load().values() if service in topic.consumers)


@cache
def by_event_type() -> Mapping[str, Topic]:
    """The topic of every declared event type."""
    return MappingProxyType({name: topic for topic in load().values() for name in topic.event_types})


def services() -> tuple[str, ...]:
    """Every service that owns a topic, sorted."""
    return tuple(sorted({topic.owner for topic in load().values()}))


def _read(file_name: str) -> Topic:
    raw = yaml.load(files.read("topics", file_name), Loader=yaml.CSafeLoader)
    descriptions = {entry["type"]: entry["description"] for entry in raw.pop("event_types")}
    for name in ("producers", "consumers"):
        raw[name] = tuple(raw[name])
    raw["config"] = MappingProxyType({name: str(value) for name, value in raw["config"].items()})
    return Topic(
        **raw,
        event_types=tuple(descriptions),
        event_descriptions=MappingProxyType(descriptions),
    )
