"""One private spot of aiokafka, changed: what was fetched is read before the next fetch is sent (ADR 0016)."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer


def read_before_fetching(client: AIOKafkaConsumer) -> None:
    """Lets us read what was fetched before the next fetch is sent.

    aiokafka has one fetch in flight for a broker and leaves partitions out of it whose records were not read yet, so
    the next record of a partition would wait until that fetch has waited in vain for others.
    """
    fetcher: Any = client._fetcher
    fetch = fetcher._proc_fetch_request

    async def patient(*arguments: Any) -> Any:
        found = await fetch(*arguments)
        if found:
            for waiter in list(fetcher._fetch_waiters):
                fetcher._notify(waiter)
            for _ in range(20):
                if not fetcher._records:
                    break
                await asyncio.sleep(0)
        return found

    fetcher._proc_fetch_request = patient
