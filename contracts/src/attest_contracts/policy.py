"""The access policy as plain data (PL-06); ``servicekit.policy`` interprets it.

Loading refuses a table that contradicts itself, so that a slip in the file stops a service at its
start instead of opening a door.
"""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any, NotRequired, TypedDict

import yaml

from attest_contracts import files

SCOPES = ("all", "site", "area", "team", "own")
KINDS = ("read", "write", "sign", "operate")
SEGREGATION_KINDS = ("actor_is_not", "different_people", "not_for_oneself")


class PolicyError(ValueError):
    """The policy file contradicts itself; the message names the place."""


class Action(TypedDict):
    kind: str
    gxp: bool
    title: str


class Segregation(TypedDict):
    """A rule that a role alone cannot express; ``fields`` and ``count`` depend on ``kind``.

    ``acts``: the signing kinds or commands to which it is limited. ``code``, ``message`` and ``status`` (403 when it
    is missing): of the problem that refuses the act.
    """

    id: str
    action: str
    kind: str
    code: str
    message: str
    source: str
    reason: str
    acts: NotRequired[list[str]]
    fields: NotRequired[list[str]]
    count: NotRequired[int]
    status: NotRequired[int]


class Exclusive(TypedDict):
    """A role and the roles that one account must not hold beside it, by name."""

    role: str
    with_: list[str]
    source: str
    reason: str


class Policy(TypedDict):
    """``roles`` is role -> action -> scope with every ``includes`` resolved; ``digest`` is the
    SHA-256 of the file, lower-case hex."""

    version: str
    digest: str
    actions: dict[str, Action]
    roles: dict[str, dict[str, str]]
    titles: dict[str, str]
    machines: list[str]
    segregation: list[Segregation]
    exclusive: list[Exclusive]


def load() -> Policy:
    """The policy of ``contracts/policy/roles.yaml``; PolicyError when it contradicts itself."""
    return parse(files.read("policy", "roles.yaml"))


def parse(text: str) -> Policy:
    """The policy of a YAML text; PolicyError when it contradicts itself."""
    raw = yaml.load(text, Loader=yaml.CSafeLoader)
    actions: dict[str, Action] = raw["actions"]
    for name, action in actions.items():
        if action["kind"] not in KINDS:
            raise PolicyError(f"action {name}: unknown kind {action['kind']!r}")
    roles = {name: _allowed(name, raw["roles"], actions, ()) for name in raw["roles"]}
    return Policy(
        version=str(raw["version"]),
        digest=hashlib.sha256(text.encode()).hexdigest(),
        actions=actions,
        roles=roles,
        titles={name: role["title"] for name, role in raw["roles"].items()},
        machines=[name for name, role in raw["roles"].items() if role.get("machine", False)],
        segregation=[_segregation(rule, actions) for rule in raw["segregation"]],
        exclusive=[_exclusive(rule, list(roles)) for rule in raw["exclusive"]],
    )


def golden_csv(policy: Policy | None = None) -> str:
    """Every right as ``role,action,scope``, in the order of the file's roles and of the actions' names."""
    table = (policy or load())["roles"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("role", "action", "scope"))
    for role, allows in table.items():
        writer.writerows((role, action, scope) for action, scope in sorted(allows.items()))
    return text.getvalue()


def _allowed(
    name: str, roles: dict[str, Any], actions: dict[str, Action], path: tuple[str, ...]
) -> dict[str, str]:
    if name in path:
        raise PolicyError(f"role {name} includes itself by {' -> '.join(path)}")
    if name not in roles:
        raise PolicyError(f"role {path[-1]} includes the unknown role {name}")
    role = roles[name]
    base = role.get("includes")
    allowed = dict(_allowed(base, roles, actions, (*path, name))) if base else {}
    for action, scope in role["allows"].items():
        if action not in actions:
            raise PolicyError(f"role {name}: unknown action {action!r}")
        if scope not in SCOPES:
            raise PolicyError(f"role {name}, action {action}: unknown scope {scope!r}")
        if action in allowed:
            raise PolicyError(f"role {name}, action {action}: already included from {base}")
        allowed[action] = scope
    return allowed


def _segregation(rule: Segregation, actions: dict[str, Action]) -> Segregation:
    name = rule["id"]
    if rule["action"] not in actions:
        raise PolicyError(f"segregation {name}: unknown action {rule['action']!r}")
    if rule["kind"] not in SEGREGATION_KINDS:
        raise PolicyError(f"segregation {name}: unknown kind {rule['kind']!r}")
    if not rule.get("fields"):
        raise PolicyError(f"segregation {name}: {rule['kind']} needs fields")
    if rule["kind"] == "different_people" and rule.get("count", 0) < 2:
        raise PolicyError(f"segregation {name}: different_people needs a count of 2 or more")
    for text in ("code", "message", "source", "reason"):
        if not rule.get(text):
            raise PolicyError(f"segregation {name}: {text} is missing")
    if rule.get("status", 403) not in (403, 409):
        raise PolicyError(f"segregation {name}: a refusal is a 403 or a 409")
    return rule


def _exclusive(rule: dict[str, Any], roles: list[str]) -> Exclusive:
    others = [name for name in roles if name != rule["role"]] if rule["with"] == "*" else rule["with"]
    for name in (rule["role"], *others):
        if name not in roles:
            raise PolicyError(f"exclusive {rule['role']}: unknown role {name!r}")
    return Exclusive(role=rule["role"], with_=others, source=rule["source"], reason=rule["reason"])
