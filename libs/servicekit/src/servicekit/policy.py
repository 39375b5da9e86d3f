"""The interpreter of the access policy: role x action x scope.

The policy is data (`roles.yaml` of the contracts). From the same rules come the decision about one resource and the
SQL filter of a list, so that a list never shows what a single read would refuse. A role names, for each action, its
reach: `all` (every row, whatever the grant names), `site` (rows of the grant's site; a grant that names none: every
site), `area` (of its site and area), `team` (rows whose supervisor is the caller), `own` (rows of the caller alone).
Any other key of a grant's scope narrows site, area and team. A resource may have several values of such a key (a
collection; in SQL `ANY` of an array): one of them must be the one that the grant names.

Segregation of duties is part of the data, too: a rule names the parts in a subject that exclude a further act on it
(`segregate`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from servicekit.http.caller import Caller, Grant
from servicekit.problems import Problem, forbidden

REACHES = ("all", "site", "area", "team", "own")


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    rule: str
    """`role:action:reach` of the rule that decided, or why none did."""


class PolicyError(Exception):
    """The policy data contradict themselves, or a list is filtered without a column that the policy needs."""


type Parts = Mapping[str, str | Iterable[str | None] | None]
"""The actors who took part in a subject: name of the part -> an id, or `account/<id>`, or several of them."""


@dataclass(frozen=True, slots=True)
class SegregationRule:
    """Nobody does `action` on a subject in which they took one of the parts `fields`.

    acts: the signing kinds or commands to which the rule is limited; empty: every act of the action. actors: how many
    different actors the act needs on one subject. code, message, status: of the refusal.
    """

    id: str
    action: str
    fields: tuple[str, ...]
    code: str
    message: str
    acts: frozenset[str] = frozenset()
    actors: int = 1
    status: int = 403

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> SegregationRule:
        """From a rule of the policy file."""
        return cls(
            id=raw["id"],
            action=raw["action"],
            fields=tuple(raw["fields"]),
            code=raw["code"],
            message=raw["message"],
            acts=frozenset(raw.get("acts", ())),
            actors=raw.get("count", 1),
            status=raw.get("status", 403),
        )

    def concerns(self, action: str, act: str) -> bool:
        return self.action == action and (not self.acts or act in self.acts)


class Policy:
    """roles: role -> action -> reach. segregation: the rules of the file on who must not do what."""

    def __init__(
        self,
        roles: Mapping[str, Mapping[str, str]],
        version: str = "",
        segregation: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.segregation = [SegregationRule.of(rule) for rule in segregation]
        for role, actions in roles.items():
            for action, reach in actions.items():
                if reach not in REACHES:
                    raise PolicyError(f"role {role}, action {action}: unknown reach {reach!r}")
        self._roles = {role: dict(actions) for role, actions in roles.items()}
        self.version = version
        self.actions = frozenset(action for actions in roles.values() for action in actions)

    @classmethod
    def of(cls, loaded: Mapping[str, Any]) -> Policy:
        """From the loaded policy file: its `roles`, `segregation` and `digest`."""
        return cls(loaded["roles"], loaded["digest"], loaded["segregation"])

    def may(self, caller: Caller, action: str) -> bool:
        """Whether the caller may do the action anywhere at all."""
        return any(action in self._roles.get(grant.role, {}) for grant in caller.grants)

    def decide(self, caller: Caller, action: str, resource: Mapping[str, Any] | None = None) -> Decision:
        """resource: its `site`, `area`, `own` (the subject it belongs to), `team` (its supervisor), ...

        A scope that the resource does not state is not met: unknown is refused. Without a resource the question is
        whether the action may be done at all (a list, filtered afterwards).
        """
        for grant in caller.grants:
            reach = self._roles.get(grant.role, {}).get(action)
            if reach and (resource is None or self._covers(caller, grant, reach, resource)):
                return Decision(True, f"{grant.role}:{action}:{reach}")
        return Decision(False, f"no grant of {caller.actor} covers {action}")

    def require(self, caller: Caller, action: str, resource: Mapping[str, Any] | None = None) -> None:
        """Raises 403, or 404 for a resource out of scope, so that the caller does not learn that it exists."""
        self.require_any(caller, [action], resource)

    def require_any(
        self, caller: Caller, actions: Sequence[str], resource: Mapping[str, Any] | None = None
    ) -> None:
        """As `require`, and one of the actions is enough."""
        if not any(self.may(caller, action) for action in actions):
            raise forbidden("not-allowed", f"this needs the right {' or '.join(actions)}")
        if resource is not None and not any(self.decide(caller, a, resource).allowed for a in actions):
            raise Problem(404, "not-found", "There is no such thing in your scope")

    def filter_any(
        self, caller: Caller, actions: Sequence[str], columns: Mapping[str, ColumnElement[Any]]
    ) -> ColumnElement[bool]:
        """As `filter`, for everything that any of the actions would show."""
        return or_(*(self.filter(caller, action, columns) for action in actions))

    def filter(
        self, caller: Caller, action: str, columns: Mapping[str, ColumnElement[Any]]
    ) -> ColumnElement[bool]:
        """The same rules as an SQL condition; `columns` names the column of each scope key of the listed table.

        Raises PolicyError when a grant of the caller needs a column that `columns` does not name: an empty list would
        hide that the list cannot tell who may see its rows.
        """
        clauses: list[ColumnElement[bool]] = []
        for grant in caller.grants:
            reach = self._roles.get(grant.role, {}).get(action)
            if reach is None:
                continue
            parts = list(self._conditions(caller, grant, reach, columns))
            clauses.append(and_(true(), *parts) if parts else true())
        return or_(false(), *clauses)

    def segregate(self, caller: Caller, action: str, act: str, parts: Parts) -> None:
        """Raises the refusal of the first rule that the caller would break by this act on a subject.

        act: the signing kind or the name of the command. Raises PolicyError when the subject does not state a part
        that a rule asks for: a doubt lets nobody through.
        """
        for rule in self.segregation:
            if not rule.concerns(action, act):
                continue
            for name in rule.fields:
                if name not in parts:
                    raise PolicyError(f"segregation {rule.id}: {act} does not state the part {name}")
                if {caller.subject, caller.actor} & _somebody(parts[name]):
                    raise Problem(rule.status, rule.code, _TITLES[rule.status], rule.message)

    def actors_needed(self, action: str, act: str) -> int:
        """How many different actors must do the act on one subject."""
        return max((rule.actors for rule in self.segregation if rule.concerns(action, act)), default=1)

    @staticmethod
    def _covers(caller: Caller, grant: Grant, reach: str, resource: Mapping[str, Any]) -> bool:
        if reach in ("own", "team") and (caller.subject is None or resource.get(reach) != caller.subject):
            return False
        return all(_meets(resource.get(key), grant.scope[key]) for key in _narrowing(grant, reach))

    @staticmethod
    def _conditions(
        caller: Caller, grant: Grant, reach: str, columns: Mapping[str, ColumnElement[Any]]
    ) -> Iterable[ColumnElement[bool]]:
        if reach in ("own", "team"):
            column = _column(columns, reach, grant)
            yield false() if caller.subject is None else column == caller.subject
        for key in _narrowing(grant, reach):
            yield _column(columns, key, grant) == grant.scope[key]


def _meets(stated: Any, wanted: str) -> bool:
    """Whether what a resource states of a key is the wanted value, or a collection that has it."""
    if isinstance(stated, Collection) and not isinstance(stated, str):
        return wanted in stated
    return stated == wanted


def _column(columns: Mapping[str, ColumnElement[Any]], key: str, grant: Grant) -> ColumnElement[Any]:
    try:
        return columns[key]
    except KeyError:
        raise PolicyError(
            f"a grant of {grant.role} needs a column for {key}, and the list has none"
        ) from None


def _narrowing(grant: Grant, reach: str) -> list[str]:
    """The keys of the grant's scope that narrow this reach."""
    if reach in ("all", "own"):
        return []
    placed = {"site": {"site"}, "area": {"site", "area"}, "team": set[str]()}[reach]
    return [key for key in grant.scope if key in placed or key not in ("site", "area")]


_TITLES = {403: "Not allowed", 409: "The act conflicts with the present state"}


def _somebody(part: str | Iterable[str | None] | None) -> set[str]:
    """The ids without the empty ones: a part that nobody took belongs to nobody."""
    several = [part] if part is None or isinstance(part, str) else part
    return {each for each in several if each}
