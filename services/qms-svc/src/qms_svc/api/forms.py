"""Multipart requests: a file and fields, some of them JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fastapi import UploadFile
from pydantic import TypeAdapter, ValidationError
from servicekit.problems import FieldError, Problem

from qms_svc.domain.content import LARGEST_FILE
from qms_svc.handlers import files


async def read_file(upload: UploadFile, title: str) -> files.File:
    """The uploaded file, checked. Raises RuleError naming the field `file`."""
    # One byte more than is allowed tells that it is too large; more is never read into memory.
    data = await upload.read(LARGEST_FILE + 1)
    return await files.examine(data, title)


def json_field[T](name: str, text: str | None, kind: type[T]) -> T:
    """A form field that holds JSON. Raises a 422 problem naming each bad part; empty is an empty list."""
    try:
        return TypeAdapter(kind).validate_json(text or "[]")
    except ValidationError as error:
        raise Problem(
            422,
            "invalid",
            "The request has bad fields",
            f"{name} is JSON",
            [
                FieldError(".".join([name, *(str(part) for part in e["loc"])]), e["type"], e["msg"])
                for e in error.errors(include_url=False, include_context=False, include_input=False)
            ],
        ) from None


def asked_of(fields: Mapping[str, Any], sha256: str) -> bytes:
    """The content of a multipart request without its random boundary, for the comparison of idempotent requests."""
    body = json.dumps(dict(fields), sort_keys=True, default=str) + sha256
    return hashlib.sha256(body.encode()).digest()
