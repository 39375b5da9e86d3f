"""What an upload may be: limits hold before anything is unpacked, and no name leads anywhere."""

from __future__ import annotations

import io
import zipfile

import pytest
from gateway_svc.api.uploads import UploadLimits, read_form, unpack
from servicekit.problems import Problem
from starlette.datastructures import FormData, Headers, UploadFile

SMALL = UploadLimits(bytes_=1_000, unpacked=1_500, entries=3)


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return data.getvalue()


def form(*files: tuple[str, bytes]) -> FormData:
    return FormData(
        [("files", UploadFile(io.BytesIO(data), filename=name, headers=Headers())) for name, data in files]
    )


def reasons(problem: Problem) -> list[str]:
    return [error.reason for error in problem.errors]


async def test_files_and_a_zip_of_them_are_the_same() -> None:
    files = [("sites.csv", b"a"), ("people.csv", b"b"), ("README.md", b"read me")]
    expected = {"sites.csv": b"a", "people.csv": b"b"}
    assert await read_form(form(*files)) == expected
    assert await read_form(form(("plant.zip", zipped(*files)))) == expected


@pytest.mark.parametrize(
    "name", ["plant/sites.csv", "../sites.csv", "/etc/passwd", "a\\b.csv", "C:x.csv", ".x"]
)
def test_a_path_is_refused(name: str) -> None:
    with pytest.raises(Problem) as error:
        unpack(zipped((name, b"x")))
    assert error.value.status == 422
    assert reasons(error.value) == ["path"]


def test_a_name_stands_once() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), pytest.raises(Problem) as error:
        unpack(zipped(("a.csv", b"1"), ("a.csv", b"2")))
    assert reasons(error.value) == ["repeated"]


def test_a_zip_bomb_is_refused_by_what_it_says() -> None:
    with pytest.raises(Problem) as error:
        unpack(zipped(("a.csv", b"0" * 2_000)), SMALL)
    assert error.value.status == 413
    with pytest.raises(Problem) as error:
        unpack(zipped(("a.csv", b"0" * 900), ("b.csv", b"0" * 900)), SMALL)
    assert error.value.status == 413
    assert len(unpack(zipped(("a.csv", b"0" * 700), ("b.csv", b"0" * 700)), SMALL)) == 2


def test_a_zip_bomb_is_refused_by_what_it_is() -> None:
    """The size that an entry states is a lie: nothing beyond it is taken."""
    data = zipped(("a.csv", b"0" * 2_000), method=zipfile.ZIP_STORED)
    lie = data.replace((2_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lie != data
    with pytest.raises(Problem) as error:
        unpack(lie, SMALL)
    assert error.value.status in (413, 422)


def test_too_many_entries() -> None:
    with pytest.raises(Problem) as error:
        unpack(zipped(*[(f"{n}.csv", b"x") for n in range(4)]), SMALL)
    assert reasons(error.value) == ["too-many"]


# An archive bears the time at which it was made: by themselves, names would differ between two workers.
@pytest.mark.parametrize(
    "data",
    [b"", b"PK\x03\x04 not a zip", zipped(("a.csv", b"x"))[:-10]],
    ids=["empty", "other bytes", "cut off"],
)
def test_not_a_zip(data: bytes) -> None:
    with pytest.raises(Problem) as error:
        unpack(data)
    assert reasons(error.value) == ["not-a-zip"]


@pytest.mark.parametrize(
    ("files", "status", "reason"),
    [
        ([], 422, "missing"),
        ([("README.md", b"x")], 422, "empty"),
        ([("a.csv", b"0" * 1_001)], 413, "too-large"),
        ([("a.csv", b"0" * 900), ("b.csv", b"0" * 900)], 413, "too-large"),
        ([("a.csv", b"1"), ("a.csv", b"2")], 422, "repeated"),
        ([(f"{n}.csv", b"") for n in range(4)], 422, "too-many"),
    ],
)
async def test_a_form_within_limits(files: list[tuple[str, bytes]], status: int, reason: str) -> None:
    with pytest.raises(Problem) as error:
        await read_form(form(*files), SMALL)
    assert (error.value.status, reasons(error.value)) == (status, [reason])
