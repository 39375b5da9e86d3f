"""How a consumer reads what comes: the JSON of an event becomes a valid model of the major version that this release
knows. `CONTRACTS` is what a service hands to its intake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

from pydantic import ValidationError

from attest_contracts import topics, upcasters, validation
from attest_contracts.upcasters import UPCASTERS, UnknownMajorError, Upcaster
from attest_contracts.validation import ContractError
from attest_contracts.wire import WireModel

type Json = dict[str, Any]


class HasSchema(Protocol):
    """What is read of a topic."""

    @property
    def schema(self) -> str: ...


def model_of(schema: str) -> type[WireModel]:
    """The generated model of the data of a schema, e.g. of ``matrix.person.v1``. ModuleNotFoundError without one."""
    return import_module(f"attest_contracts.models.{topics.module_of(schema)}").Data


class Contracts:
    """Reads the data of events.

    known: topic name -> the topic, whose ``schema`` names the major version that is wanted. schema, model: schema name
    -> the JSON Schema and the model. steps: the upcasters.
    """

    def __init__(
        self,
        known: Mapping[str, HasSchema] | None = None,
        *,
        schema: Callable[[str], Mapping[str, Any]] = validation.schema,
        model: Callable[[str], type[WireModel]] = model_of,
        steps: Mapping[str, Upcaster] = UPCASTERS,
    ) -> None:
        self._known = topics.load() if known is None else known
        self._schema = schema
        self._model = model
        self._steps = steps
        self._readers: dict[tuple[str, int], _Reader] = {}

    def read(self, topic: str, major: int, data: Json) -> tuple[Json, Any]:
        """``data`` ({state, change}) of an event whose type ends in ``.v<major>``: as JSON of the wanted major version,
        and its model.

        Unknown fields are not in the model; unknown enumerated values are, as text, since a reader takes them as DENY.
        UnknownMajorError for a major version that no chain of upcasters leads from; ContractError for data that breaks
        the contract of its own version, or does so once it is upcast; LookupError for an unknown topic.
        """
        reader = self._readers.get((topic, major))
        if reader is None:
            reader = self._readers[topic, major] = self._reader(topic, major)
        return reader(data)

    def major(self, topic: str) -> int:
        """The major version of the topic that this release knows and announces. LookupError for an unknown topic."""
        return int(self._wanted(topic).rpartition(".v")[2])

    def _wanted(self, topic: str) -> str:
        try:
            return self._known[topic].schema
        except KeyError:
            raise LookupError(f"no topic {topic!r} in contracts/topics") from None

    def _reader(self, topic: str, major: int) -> _Reader:
        want = self._wanted(topic)
        have = f"{want.rpartition('.v')[0]}.v{major}"
        upcasters.steps_between(have, want, self._steps)
        check, model = validation.incoming(self._schema(want)), self._model(want)
        if have == want:
            return _Reader(check, model)
        check_old = validation.incoming(self._schema(have))

        def upcast(data: Json) -> Json:
            check_old(data)
            return dict(upcasters.upcast(have, want, data, self._steps))

        return _Reader(check, model, upcast)


class _Reader:
    """Reads the data of one topic in one major version."""

    def __init__(
        self,
        check: Callable[[Any], None],
        model: type[WireModel],
        upcast: Callable[[Json], Json] | None = None,
    ) -> None:
        self._check = check
        self._model = model
        self._upcast = upcast

    def __call__(self, data: Json) -> tuple[Json, Any]:
        if self._upcast is not None:
            data = self._upcast(data)
        self._check(data)
        try:
            return data, self._model.from_wire(data)
        except ValidationError as error:
            # What JSON Schema admits and Python cannot hold, e.g. a leap second. Values are never quoted.
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = "".join(f"/{part}" for part in first["loc"])
            raise ContractError(path, first["msg"]) from None


CONTRACTS = Contracts()

__all__ = ["CONTRACTS", "Contracts", "UnknownMajorError", "model_of"]
