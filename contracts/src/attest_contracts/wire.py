"""The base of every generated model: how a contract is read and written in Python."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """A part of a contract.

    Unknown fields are dropped when reading, since a later release of the producer may add them.
    A field whose wire name is a Python keyword carries a trailing underscore (``from_``) and takes
    either name. Enumerated values are plain text here, so that an unknown one can be read;
    ``attest_contracts.enums`` has the known ones.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True)

    def to_wire(self) -> dict[str, Any]:
        """JSON-ready data under its wire names; what is null is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_wire(cls, data: Any) -> Self:
        """The model of decoded JSON; pydantic.ValidationError when it does not fit."""
        return cls.model_validate(data)
