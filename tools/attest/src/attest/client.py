"""The gateway's API as a command, the demo and tests call it: log in, act, sign, upload, wait.

api = Api("http://127.0.0.1:8080")
quentin = api.log_in("que", PASSWORD)
change = quentin.post("/api/changes", {"title": "...", "reason": "..."})
quentin.sign("qms", "change", change["change"], "approve", reason="reviewed")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

CSRF_HEADER = "X-CSRF-Token"
LEFT_OUT = ("README", ".")
_SECONDS = 60.0
_UPLOAD_SECONDS = 600.0

IMPORT_ENDS = frozenset({"DONE", "FAILED", "WITHDRAWN"})


class ApiError(Exception):
    """An answer that is not a success. status: HTTP. problem: the RFC 9457 body, {} when it is none."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        fields = "; ".join(f"{e.get('field')}: {e.get('message')}" for e in problem.get("errors") or ())
        said = problem.get("detail") or problem.get("title") or "no reason given"
        super().__init__(f"{method} {path}: {status} {said}" + (f" ({fields})" if fields else ""))
        self.status = status
        self.problem = dict(problem)

    @property
    def code(self) -> str:
        return str(self.problem.get("type", "")).rpartition(":")[2]


class UnreachableError(Exception):
    """Nobody answers at the address."""


class Api:
    """One session, or a machine's token, at one gateway. Not for several threads at once.

    verify: False, or the file of a certificate authority, as httpx takes it.
    """

    def __init__(self, address: str, *, token: str = "", verify: bool | str = True) -> None:
        self.address = address.rstrip("/")
        self.session: dict[str, Any] = {}
        self._verify = verify
        self._password = ""
        self._client = httpx.Client(
            base_url=self.address,
            timeout=_SECONDS,
            verify=verify,
            trust_env=False,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    # --- sessions

    def log_in(self, username: str, password: str) -> Api:
        """A session of its own for a user; this one stays as it is."""
        other = Api(self.address, verify=self._verify)
        other.session = other.post("/api/session", {"username": username, "password": password})
        other._password = password
        return other

    def change_password(self, new: str) -> None:
        self.session = self.post("/api/password", {"current": self._password, "new": new})
        self._password = new

    @property
    def person(self) -> str | None:
        return self.session.get("person")

    @property
    def cookies(self) -> httpx.Cookies:
        """Of the session, for another client of the same user."""
        return self._client.cookies

    # --- calls

    def get(self, path: str, **parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._call("GET", path, params=given)

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", method: str = "POST"
    ) -> Any:
        """A command. key: idempotency key, made for this call when none is given."""
        return self._call(
            method, path, json=dict(body or {}), headers={"idempotency-key": key or str(uuid4())}
        )

    def send(
        self, path: str, fields: Mapping[str, str], files: Sequence[tuple[str, tuple[str, bytes]]]
    ) -> Any:
        """A multipart form. files: (field, (name, bytes))."""
        return self._call(
            "POST",
            path,
            data=dict(fields),
            files=list(files),
            headers={"idempotency-key": str(uuid4())},
            timeout=_UPLOAD_SECONDS,
        )

    def pages(self, path: str, **parameters: Any) -> Iterator[Any]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, **parameters)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def text(self, path: str, accept: str) -> str:
        """What is there in another form, such as `text/csv`."""
        return self._request("GET", path, headers={"accept": accept}).text

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._request(method, path, **more)
        return answer.json() if answer.content else None

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if csrf := self.session.get("csrf"):
            headers.setdefault(CSRF_HEADER, csrf)
        try:
            answer = self._client.request(method, path, headers=headers, **more)
        except httpx.TransportError as error:
            raise UnreachableError(f"{self.address} does not answer ({type(error).__name__})") from error
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        raise ApiError(method, path, answer.status_code, problem if isinstance(problem, dict) else {})

    # --- signing

    def sign(
        self,
        service: str,
        kind: str,
        key: str,
        meaning: str,
        *,
        reason: str,
        inputs: Mapping[str, Any] | None = None,
        password: str = "",
    ) -> dict[str, Any]:
        """An electronic signature of the logged-in user: what is shown is what is signed, with the password again."""
        intent = self.post(
            "/api/signing/intents",
            {
                "service": service,
                "kind": kind,
                "key": key,
                "meaning": meaning,
                "inputs": dict(inputs or {}),
                "reason": reason,
            },
        )
        return self.post(
            f"/api/signing/intents/{intent['id']}/confirm", {"password": password or self._password}
        )

    # --- imports

    def upload(
        self,
        files: Mapping[str, bytes],
        *,
        export_date: date,
        reason: str,
        dry_run: bool = False,
        zone_rule: str | None = None,
        migrated_counts: bool = True,
    ) -> dict[str, Any]:
        """Uploads and checks files; the job with its counts."""
        fields = {"export_date": export_date.isoformat(), "dry_run": str(dry_run).lower(), "reason": reason}
        if zone_rule:
            fields["zone_rule"] = zone_rule
        if not migrated_counts:
            fields["migrated_counts"] = "false"
        return self.send("/api/imports", fields, [("files", (name, data)) for name, data in files.items()])

    def accept_import(self, job: str, *, reason: str = "counts and refusals reviewed") -> dict[str, Any]:
        return self.sign("gateway", "import_batch", job, "accept", reason=reason)

    def wait_for_import(
        self, job: str, *, seconds: float = 600.0, progress: Callable[[Mapping[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Until the import has ended; progress gets the job whenever it has moved. Raises TimeoutError."""

        def ended() -> dict[str, Any] | None:
            found = self.get(f"/api/imports/{job}")
            if progress:
                progress(found)
            return found if found["state"] in IMPORT_ENDS else None

        return wait_for(ended, seconds=seconds, what=f"the end of import {job}", every=0.3)

    # --- the clock of a demo or test platform

    def now(self) -> datetime:
        return datetime.fromisoformat(self.get("/api/clock")["now"])

    def move_clock(self, to: datetime, *, reason: str = "the story goes on") -> datetime:
        """Forward only; needs the right platform.clock."""
        return datetime.fromisoformat(
            self.post("/api/clock", {"now": to.isoformat(), "reason": reason})["now"]
        )


def wait_for[T](ask: Callable[[], T | None], *, seconds: float, what: str, every: float = 0.1) -> T:
    """Asks until the answer is true. Raises TimeoutError naming what was waited for."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def files_of(directory: Path) -> dict[str, bytes]:
    """The files of a directory by name; sub-directories, hidden files and the README are left out. Raises OSError."""
    paths = [
        path for path in sorted(directory.iterdir()) if path.is_file() and not path.name.startswith(LEFT_OUT)
    ]
    return {path.name: path.read_bytes() for path in paths}
