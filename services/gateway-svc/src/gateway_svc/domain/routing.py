"""The table of addresses and the services that answer them. An address that is not in it is not forwarded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Target:
    """with_parameter: another service answers when the query has the parameter."""

    service: str
    with_parameter: Mapping[str, str] | None = None

    def of(self, parameters: frozenset[str]) -> str:
        for name, other in (self.with_parameter or {}).items():
            if name in parameters:
                return other
        return self.service


# The engine answers with what is known now; reporting answers with what was known at an instant.
ROUTES: Mapping[str, Target] = {
    "/api/organisation": Target("matrix"),
    "/api/people": Target("matrix"),
    "/api/requirements": Target("matrix"),
    "/api/matrix": Target("matrix"),
    "/api/tasks": Target("matrix"),
    "/api/documents": Target("qms"),
    "/api/changes": Target("qms"),
    "/api/content": Target("qms"),
    "/api/assignments": Target("assignment"),
    "/api/authorizations": Target("assignment"),
    "/api/holds": Target("assignment"),
    "/api/qualification/cells": Target("assignment", {"known_at": "reporting"}),
    "/api/qualification/timeline": Target("reporting"),
    "/api/reading": Target("records"),
    "/api/records": Target("records"),
    "/api/reports": Target("reporting"),
    "/api/audit": Target("reporting"),
}


def service_of(path: str, parameters: frozenset[str] = frozenset()) -> str | None:
    """The service that answers a path; None when nobody does. The longest entry wins."""
    parts = path.split("/")
    for length in range(len(parts), 1, -1):
        target = ROUTES.get("/".join(parts[:length]))
        if target is not None:
            return target.of(parameters)
    return None


def is_plain(raw_path: str) -> bool:
    """Whether a path means the same to everyone on its way: no dot segment, empty segment or backslash, written
    plainly or percent-encoded. Anything else could leave the part of the service that the table opened."""
    seen = raw_path
    for _ in range(3):
        parts = seen.split("/")[1:]
        if "\\" in seen or "\0" in seen or any(part in (".", "..") for part in parts) or "" in parts[:-1]:
            return False
        following = unquote(seen)
        if following == seen:
            return True
        seen = following
    return False
