"""Topics with names that only one test uses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code


class TopicMaker:
    """Makes and deletes topics from tests with and without an event loop: it has a loop in its own thread.

    Args:
        bootstrap: `host:port` of the server.
    """

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="topics", daemon=True)
        self._thread.start()
        self._client: AIOKafkaAdminClient | None = None

    def create(
        self,
        *names: str,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        deadline: float = 15.0,
    ) -> None:
        """Make topics and return when each partition has a leader.

        Args:
            names: complete topic names.
            partitions: number of partitions of each.
            config: topic settings, e.g. `{"cleanup.policy": "compact"}`.
            deadline: seconds until it has failed.

        Raises:
            KafkaError: the broker refused one.
            TimeoutError: not ready within the deadline.
        """
        self._call(self._create(list(names), partitions, dict(config or {})), deadline)

    def delete(self, *names: str) -> None:
        """Delete topics; one that does not exist is no error."""
        if names:
            self._call(self._delete(list(names)), 15)

    def delete_prefix(self, prefix: str) -> None:
        """Delete every topic whose name begins with `prefix`."""
        self._call(self._delete_prefix(prefix), 30)

    def close(self) -> None:
        """Close the connection and end the thread."""
        if self._client is not None:
            self._call(self._client.close(), 10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None], deadline: float) -> None:
        async def limited() -> None:
            async with asyncio.timeout(deadline):
                await work

        asyncio.run_coroutine_threadsafe(limited(), self._loop).result()

    async def _admin(self) -> AIOKafkaAdminClient:
        if self._client is None:
            client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
            await client.start()
            self._client = client
        return self._client

    async def _create(self, names: list[str], partitions: int, config: dict[str, str]) -> None:
        admin = await self._admin()
        wanted = [NewTopic(name, partitions, 1, topic_configs=config) for name in names]
        response: Any = await admin.create_topics(wanted)
        for topic, code, *rest in response.topic_errors:
            if code:
                raise for_code(code)(f"topic {topic}: {rest[0] if rest else 'refused'}")
        # The answer comes before every part of the broker knows the partitions.
        while True:
            described = await admin.describe_topics(names)
            if all(
                topic["error_code"] == 0
                and len(topic["partitions"]) == partitions
                and all(part["leader"] >= 0 and part["error_code"] == 0 for part in topic["partitions"])
                for topic in described
            ):
                return
            await asyncio.sleep(0.01)

    async def _delete(self, names: list[str]) -> None:
        await (await self._admin()).delete_topics(names)

    async def _delete_prefix(self, prefix: str) -> None:
        names = [name for name in await (await self._admin()).list_topics() if name.startswith(prefix)]
        if names:
            await self._delete(names)
