"""Uploads: several files, or one zip that holds files only. The limits are checked before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from plantfiles.readers import LEFT_OUT
from servicekit.problems import FieldError, Problem
from starlette.datastructures import FormData, UploadFile

FILES = "files"
"""The field of the form that holds the files."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """request: bytes of the whole request. bytes_: of one file. unpacked: of all files together. entries: files."""

    request: int = 220_000_000
    bytes_: int = 100_000_000
    unpacked: int = 200_000_000
    entries: int = 40
    name: int = 100


DEFAULT_LIMITS = UploadLimits()


async def read_form(form: FormData, limits: UploadLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The files of a form by name. Raises a 422 problem naming what is wrong, 413 for what is too large."""
    uploads = [upload for upload in form.getlist(FILES) if isinstance(upload, UploadFile)]
    if not uploads:
        raise refused("", "missing", "send the files, or one zip of them, in the field `files`")
    if len(uploads) > limits.entries:
        raise refused("", "too-many", f"at most {limits.entries} files")
    contents: dict[str, bytes] = {}
    left = limits.unpacked
    for upload in uploads:
        name = upload.filename or ""
        data = await upload.read(min(limits.bytes_, left) + 1)
        if len(data) > min(limits.bytes_, left):
            raise too_large(name, limits)
        left -= len(data)
        _add(contents, name, data, limits)
    if len(contents) == 1:
        [(name, data)] = contents.items()
        if name.lower().endswith(".zip"):
            return unpack(data, limits)
    return _without_readme(contents)


def unpack(data: bytes, limits: UploadLimits = DEFAULT_LIMITS) -> dict[str, bytes]:
    """The files of a zip. An entry in a folder, encrypted, repeated, or larger than it says is refused."""
    contents: dict[str, bytes] = {}
    left = limits.unpacked
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > limits.entries:
                raise refused("", "too-many", f"at most {limits.entries} files in a zip")
            if sum(entry.file_size for entry in entries) > left:
                raise too_large("the zip", limits)
            for entry in entries:
                with archive.open(entry) as file:
                    content = _read(file, min(limits.bytes_, left), entry.filename, limits)
                left -= len(content)
                _add(contents, entry.filename, content, limits)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise refused("", "not-a-zip", f"the zip cannot be read: {str(error)[:200]}") from error
    return _without_readme(contents)


def _read(file: Any, most: int, name: str, limits: UploadLimits) -> bytes:
    """The bytes of an entry. They are counted while it is unpacked, because the size in its header may be wrong."""
    parts: list[bytes] = []
    size = 0
    while part := file.read(_CHUNK):
        size += len(part)
        if size > most:
            raise too_large(name, limits)
        parts.append(part)
    return b"".join(parts)


def _add(contents: dict[str, bytes], name: str, data: bytes, limits: UploadLimits) -> None:
    if not name or len(name) > limits.name or not name.isprintable():
        raise refused(name[: limits.name], "name", "a file has a name of printable characters")
    if "/" in name or "\\" in name or ":" in name or name.startswith("."):
        raise refused(
            name, "path", "a name without folders: zip the files themselves, not the folder that holds them"
        )
    if name in contents:
        raise refused(name, "repeated", "the name stands twice")
    contents[name] = data


def _without_readme(contents: dict[str, bytes]) -> dict[str, bytes]:
    found = {name: data for name, data in contents.items() if name not in LEFT_OUT}
    if not found:
        raise refused("", "empty", "there is no file to be imported")
    return found


def refused(name: str, reason: str, message: str) -> Problem:
    """422 for the field `files`, or `files.<name>`."""
    field = f"{FILES}.{name}" if name else FILES
    return Problem(
        422, "invalid", "The request has a bad field", message, [FieldError(field, reason, message)]
    )


def too_large(name: str, limits: UploadLimits) -> Problem:
    message = f"{name}: at most {limits.bytes_:,} bytes a file and {limits.unpacked:,} together"
    return Problem(
        413, "too-large", "The files are too large", message, [FieldError(FILES, "too-large", message)]
    )
