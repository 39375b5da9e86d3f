"""How often an approval asks the database: a signable is loaded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from qms_testing import EVA, Qms, draft_cc7

MOST_STATEMENTS = 23
"""It was 38 when each step read the change again."""


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts each statement that is sent, those of SQLAlchemy and those of the driver alone."""
    sent: Counter[str] = Counter()

    def counting(method: Any) -> Any:
        async def counted(self: Any, query: Any, *args: Any, **more: Any) -> Any:
            sent[" ".join(str(query).split())] += 1
            return await method(self, query, *args, **more)

        return counted

    with monkeypatch.context() as patched:
        for name in ("execute", "executemany"):
            patched.setattr(psycopg.AsyncCursor, name, counting(getattr(psycopg.AsyncCursor, name)))
        yield sent


async def test_an_approval_loads_the_change_once(qms: Qms, monkeypatch: pytest.MonkeyPatch) -> None:
    await draft_cc7(qms)
    shown = (await qms.prepare(EVA, "CC-7")).json()
    with statements(monkeypatch) as sent:
        answer = await qms.confirm(EVA, "CC-7", shown["digest"])
    assert answer.status_code == 200, answer.text
    print(sent.total(), sent.most_common(8))
    reads = {query: times for query, times in sent.items() if query.startswith("SELECT * FROM app.")}
    assert reads, "the statements of SQLAlchemy are counted"
    assert {query: times for query, times in sent.items() if times > 1} == {}
    assert sent.total() <= MOST_STATEMENTS
