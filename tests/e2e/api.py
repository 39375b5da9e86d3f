"""A person at the gateway: logs in, calls, signs. Every answer that is not expected fails with its problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from servicekit.testing import eventually_sync

PASSWORD = "Correct-horse-7-battery"


def until[T](ask: Callable[[], T], good: Callable[[T], bool], deadline: float = 30.0) -> T:
    """What `ask` gives when it is `good`; it fails with the last answer after `deadline` seconds."""
    seen: list[T] = []

    def reached() -> bool:
        seen.append(ask())
        return good(seen[-1])

    try:
        eventually_sync(reached, deadline=deadline, every=0.05)
    except Exception as error:
        raise AssertionError(f"not reached in {deadline:g} s: {seen[-1:]!r}"[:3000]) from error
    return seen[-1]


class Api:
    """One session of one user."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=60)
        self.csrf = ""
        self.password = ""
        self.me: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def log_in(self, username: str, password: str) -> Self:
        self.me = self.call("POST", "/api/session", json={"username": username, "password": password})
        self.csrf, self.password = self.me["csrf"], password
        return self

    def change_password(self, new: str) -> None:
        self.me = self.call("POST", "/api/password", json={"current": self.password, "new": new})
        self.csrf, self.password = self.me["csrf"], new

    def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = (
            {"X-CSRF-Token": self.csrf, **more.pop("headers", {})}
            if method != "GET"
            else more.pop("headers", {})
        )
        return self.http.request(method, path, headers=headers, **more)

    def call(self, method: str, path: str, *, expect: int | None = None, **more: Any) -> Any:
        answer = self.raw(method, path, **more)
        good = answer.status_code == expect if expect else answer.is_success
        assert good, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params={k: v for k, v in params.items() if v is not None})

    def post(self, path: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        return self.call("POST", path, json=body, **more)

    def sign(
        self,
        service: str,
        kind: str,
        key: str,
        meaning: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        reason: str = "signs after reading",
    ) -> dict[str, Any]:
        """Both steps of the ceremony: the intent that is shown, and the confirmation with the password."""
        intent = self.post(
            "/api/signing/intents",
            {
                "service": service,
                "kind": kind,
                "key": key,
                "meaning": meaning,
                "inputs": inputs or {},
                "reason": reason,
            },
        )
        return self.post(f"/api/signing/intents/{intent['id']}/confirm", {"password": self.password})

    def upload(self, directory: Path, **fields: str) -> dict[str, Any]:
        files = [
            ("files", (path.name, path.read_bytes()))
            for path in sorted(directory.iterdir())
            if path.suffix in (".csv", ".xlsx")
        ]
        return self.call("POST", "/api/imports", files=files, data=fields)

    def cell(self, person: str, item: str, at: datetime, known_at: datetime | None = None) -> dict[str, Any]:
        answer = self.get(
            "/api/qualification/cells",
            person=person,
            item=item,
            at=at.isoformat(),
            known_at=known_at.isoformat() if known_at else None,
        )
        (row,) = answer["items"]
        return row
