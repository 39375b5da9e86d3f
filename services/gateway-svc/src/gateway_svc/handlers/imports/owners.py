"""The services that own the rows, as the importer sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from plantfiles import Terms
from plantfiles.handover import Block
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.problems import Problem

from gateway_svc.handlers.imports.levels import Standing
from gateway_svc.handlers.services import Services, problem_of
from gateway_svc.settings import OWN_NAME

_SEND_SECONDS = 120.0
_ASK_SECONDS = 10.0
_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class OwnerRefusedError(Exception):
    """The owner answered that it does not take the block. `problem`: its RFC 9457 body."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem.body()


class OwnerUnreachableError(Exception):
    """No answer, or one that says nothing about the block: the same request is sent again."""


class Owners(Protocol):
    """The calls that an import makes to the other services."""

    async def send(
        self,
        caller: Caller,
        block: Block,
        *,
        batch: str,
        accepted_by: Sequence[str],
        terms: Terms,
        correlation: str,
    ) -> None:
        """Hands a block over, once however often it is sent. Raises OwnerRefusedError, OwnerUnreachableError."""
        ...

    async def look(self, caller: Caller) -> dict[str, Standing]:
        """How the bus of every service stands. Raises OwnerUnreachableError."""
        ...


class HttpOwners:
    """Owners by HTTP, each call with a token that names the uploader."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def send(
        self,
        caller: Caller,
        block: Block,
        *,
        batch: str,
        accepted_by: Sequence[str],
        terms: Terms,
        correlation: str,
    ) -> None:
        await self._ask(
            block.part.service,
            "POST",
            f"/internal/imports/{block.part.kind}",
            caller,
            correlation=correlation,
            body=body_of(block, batch=batch, accepted_by=accepted_by, terms=terms),
            timeout=_SEND_SECONDS,
            idempotency_key=block.idempotency_key,
        )

    async def look(self, caller: Caller) -> dict[str, Standing]:
        """The gateway itself hears names and people alone: no count rests on it."""
        correlation = new_id()
        return {
            service: Standing.from_json(
                await self._ask(
                    service, "GET", "/internal/bus", caller, correlation=correlation, timeout=_ASK_SECONDS
                )
            )
            for service in self._services.names
            if service != OWN_NAME
        }

    async def _ask(self, service: str, method: str, path: str, caller: Caller, **more: Any) -> Any:
        try:
            answer = await self._services.call(service, method, path, caller, **more)
            if answer.is_success:
                return answer.json()
            raise problem_of(service, answer)
        except Problem as problem:
            if problem.status in _AGAIN or problem.code == "in-progress":
                raise OwnerUnreachableError(str(problem)) from problem
            raise OwnerRefusedError(problem) from problem


def body_of(block: Block, *, batch: str, accepted_by: Sequence[str], terms: Terms) -> Mapping[str, Any]:
    """The request to an owner: the rows, their places in the file, and the terms of the import that concern their kind.

    sha256: of the whole file that the rows stood in.
    """
    return terms.named(block.part.terms) | {
        "batch": batch,
        "file": block.file,
        "sha256": block.sha256,
        "accepted_by": list(accepted_by),
        "rows": [item.content for item in block.items],
    }
