"""Files by SHA-256: what they are, their sections, and their bytes in the database (ADR 0014)."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from servicekit.db import Tx
from servicekit.domain import RuleError
from sqlalchemy.dialects.postgresql import insert

from qms_svc.db import tables
from qms_svc.domain.content import MediaType, Section, check_sections, markdown_sections, pdf_sections, sniff


@dataclass(frozen=True, slots=True)
class File:
    """A checked file. sha256: of the bytes as they were uploaded, lower-case hex."""

    data: bytes
    sha256: str
    media_type: MediaType
    sections: tuple[Section, ...]

    def entry(self, language: str) -> dict[str, Any]:
        """How a version names it."""
        return {
            "sha256": self.sha256,
            "size": len(self.data),
            "media_type": self.media_type.value,
            "language": language,
        }

    def section_rows(self) -> list[dict[str, Any]]:
        return [asdict(section) for section in self.sections]


async def examine(data: bytes, title: str) -> File:
    """Sniffs the type, finds the sections, computes the digest, beside the event loop. Raises RuleError."""
    return await asyncio.to_thread(_examine, data, title)


def _examine(data: bytes, title: str) -> File:
    media_type = sniff(data)
    if media_type == MediaType.PDF:
        sections = pdf_sections(_pages(data))
    else:
        sections = markdown_sections(data.decode("utf-8-sig"), title)
    check_sections(sections)
    return File(data, hashlib.sha256(data).hexdigest(), media_type, tuple(sections))


def _pages(data: bytes) -> int:
    """The number of pages. A PDF that cannot be read, has no page or needs a password is refused."""
    # 15 MB of memory that a service which sees no PDF need not hold.
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise RuleError(
                "file", "encrypted", "a PDF that needs a password cannot be read by those it concerns"
            )
        pages = len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        # pypdf lets errors of its own code through for some damaged files.
        raise RuleError("file", "damaged-pdf", "the PDF cannot be read") from error
    if pages == 0:
        raise RuleError("file", "damaged-pdf", "the PDF has no page")
    return pages


async def store(tx: Tx, file: File) -> None:
    """Keeps the bytes and what they are, once a digest. The subjects must be claimed before."""
    facts = {
        "sha256": file.sha256,
        "size": len(file.data),
        "media_type": file.media_type.value,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(
        insert(tables.content_bytes).on_conflict_do_nothing(), {"sha256": file.sha256, "body": file.data}
    )
    await tx.execute(insert(tables.content).on_conflict_do_nothing(), facts)


class DamagedContentError(Exception):
    """The stored bytes are not those of their digest."""


@dataclass(frozen=True, slots=True)
class Stored:
    media_type: str
    data: bytes


async def read(tx: Tx, sha256: str) -> Stored | None:
    """The bytes, their digest verified. Raises DamagedContentError when they are not what was stored."""
    row: Mapping[Any, Any] | None = await tx.one(
        "SELECT c.media_type, b.body FROM app.content c JOIN app.content_bytes b USING (sha256)"
        " WHERE sha256 = :sha256",
        {"sha256": sha256},
    )
    if row is None:
        return None
    data = bytes(row["body"])
    if await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest()) != sha256:
        raise DamagedContentError(sha256)
    return Stored(row["media_type"], data)
