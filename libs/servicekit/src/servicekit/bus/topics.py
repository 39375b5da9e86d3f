"""Topics are made from their specifications alone (brokers create none by themselves) and held against them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code


class TopicSpec(Protocol):
    """What the bus needs to know of a topic.

    partitions: fixed on day one, since growing it would move keys. dataschema: URN of the schema of its state.
    """

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def dataschema(self) -> str: ...
    def kafka_config(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class PlainTopic:
    """A topic specification written in code."""

    name: str
    partitions: int = 12
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def dataschema(self) -> str:
        return f"urn:attest:schema:{self.name}:v1"

    def kafka_config(self) -> Mapping[str, str]:
        return {"message.timestamp.type": "LogAppendTime", **self.config}


class TopicDiffersError(Exception):
    """A topic of Kafka is not what its specification says; each difference is one line."""

    def __init__(self, differences: list[str]) -> None:
        super().__init__("; ".join(differences))
        self.differences = differences


async def ensure_topics(
    bootstrap: str,
    specs: Iterable[TopicSpec],
    prefix: str = "",
    *,
    replication: int = 0,
    deadline: float = 30.0,
) -> list[str]:
    """Makes the missing topics, waits until each partition has a leader, and compares partitions and settings.

    prefix: put before each name. replication: 0 takes three, or as many
    brokers as there are. deadline: seconds.
    Returns the names of those made. Raises TopicDiffersError, TimeoutError, or the broker's KafkaError.
    """
    wanted = {prefix + spec.name: spec for spec in specs}
    if not wanted:
        return []
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(deadline):
            await admin.start()
            brokers = (await admin.describe_cluster())["brokers"]
            made = await _create(admin, wanted, replication or min(3, len(brokers)))
            await _ready(admin, wanted)
            differences = await _differences(admin, wanted)
    finally:
        await admin.close()
    if differences:
        raise TopicDiffersError(differences)
    return made


async def _create(admin: AIOKafkaAdminClient, wanted: Mapping[str, TopicSpec], replication: int) -> list[str]:
    described = await admin.describe_topics(list(wanted))
    missing = [topic["topic"] for topic in described if topic["error_code"] == 3]
    if not missing:
        return []
    response: Any = await admin.create_topics(
        [
            NewTopic(
                name, wanted[name].partitions, replication, topic_configs=dict(wanted[name].kafka_config())
            )
            for name in missing
        ]
    )
    for name, code, *rest in response.topic_errors:
        # Several services make the same topics at the same time.
        if code and code != TopicAlreadyExistsError.errno:
            raise for_code(code)(f"topic {name}: {rest[0] if rest else 'refused'}")
    return missing


async def _ready(admin: AIOKafkaAdminClient, wanted: Mapping[str, TopicSpec]) -> None:
    while True:
        described = await admin.describe_topics(list(wanted))
        waiting = [
            topic["topic"]
            for topic in described
            if topic["error_code"] or any(part["leader"] < 0 for part in topic["partitions"])
        ]
        if not waiting:
            return
        await asyncio.sleep(0.02)


async def _differences(admin: AIOKafkaAdminClient, wanted: Mapping[str, TopicSpec]) -> list[str]:
    found: list[str] = []
    for topic in await admin.describe_topics(list(wanted)):
        name, count = topic["topic"], len(topic["partitions"])
        if count != wanted[name].partitions:
            found.append(f"{name}: {count} partitions, specified are {wanted[name].partitions}")
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    answers: list[Any] = await admin.describe_configs(resources)
    for response in answers:
        for code, message, _type, name, entries in response.resources:
            if code:
                raise KafkaError(f"settings of topic {name}: {message}")
            actual = {entry[0]: entry[1] for entry in entries}
            found += [
                f"{name}: {key} is {actual.get(key)}, specified is {value}"
                for key, value in wanted[name].kafka_config().items()
                if actual.get(key) != value
            ]
    return sorted(found)
