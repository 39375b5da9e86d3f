"""What the domain imports (which modules of plantkit: see `tests/rules`), and how it recognises a scan."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from records_svc import domain
from records_svc.domain.late_entry import LARGEST_SCAN, sniff
from records_svc.domain.vocabulary import ordered
from servicekit.domain import RuleError

MODULES = sorted(Path(domain.__file__).parent.glob("*.py"))


@pytest.mark.part("PL-24", "the domain imports pure modules alone")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_domain_is_pure(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            root = name.split(".")[0]
            assert (
                root in sys.stdlib_module_names
                or root in ("whenever", "plantkit")
                or name.startswith("records_svc.domain")
                or name == "servicekit.domain"
            )


@pytest.mark.part("SR-15", "a scan is told by its first bytes")
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n..", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
    ],
)
def test_a_scan_is_told_by_its_first_bytes(data: bytes, found: str):
    assert sniff(data) == found


@pytest.mark.part("SR-15", "what is no scan is refused")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg onload=...>", "not-a-scan"),
        (b" %PDF-1.7", "not-a-scan"),
        (b"%PDF-" + bytes(LARGEST_SCAN), "too-large"),
    ],
    ids=["empty", "svg", "blank first", "large"],
)
def test_what_is_no_scan_is_refused(data: bytes, reason: str):
    with pytest.raises(RuleError) as refused:
        sniff(data)
    assert (refused.value.field, refused.value.reason) == ("scan", reason)


@pytest.mark.part("C-08", "methods stand once and in order")
def test_methods_stand_once_and_in_order():
    assert ordered(["O", "R", "O", "Q"]) == ["R", "Q", "O"]
