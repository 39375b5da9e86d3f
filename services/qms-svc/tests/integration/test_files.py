"""Files: what is kept, served and refused."""

import hashlib
import io

import pytest
from pypdf import PdfWriter
from qms_testing import ANA, EVA, PROCEDURE, QUE, Qms, draft_cc7


def pdf(pages: int, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=100, height=100)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


async def put(qms: Qms, language: str, file: bytes):
    return await qms.call(
        QUE,
        "PUT",
        f"/api/documents/SOP-101/versions/4/files/{language}",
        data={"reason": "a test"},
        files={"file": ("x.md", file)},
    )


@pytest.mark.part("SR-05", "a file is served as it was uploaded")
async def test_a_file_is_served_as_it_was_uploaded(qms: Qms) -> None:
    version = await draft_cc7(qms)
    sha256 = hashlib.sha256(PROCEDURE).hexdigest()
    assert version["content"] == [
        {"sha256": sha256, "size": len(PROCEDURE), "media_type": "text/markdown", "language": "en"}
    ]
    assert [(s["id"], s["title"], s["line_from"], s["line_to"]) for s in version["sections"]] == [
        ("s1", "Purpose", 1, 4),
        ("s2", "Interventions in grade A", 4, 7),
    ]
    assert (await qms.get(ANA, f"/api/content/{sha256}")).status_code == 404, "a draft is not for everybody"
    answer = await qms.get(EVA, f"/api/content/{sha256}")
    assert answer.content == PROCEDURE
    headers = answer.headers
    assert headers["content-type"] == "text/markdown; charset=utf-8"
    assert headers["etag"] == f'"{sha256}"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("inline")
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    await qms.approve(EVA, "CC-7")
    assert (await qms.get(ANA, f"/api/content/{sha256}")).content == PROCEDURE
    known = await qms.get(ANA, f"/api/content/{sha256}", headers={"if-none-match": f'"{sha256}"'})
    assert (known.status_code, known.content) == (304, b"")
    for path in ("a" * 64, "x", "A" * 64):
        assert (await qms.get(EVA, f"/api/content/{path}")).status_code in (404, 422)


@pytest.mark.part("SR-05", "the pages of a pdf are its sections")
async def test_the_pages_of_a_pdf_are_its_sections(qms: Qms) -> None:
    file = pdf(3)
    version = await draft_cc7(qms, file=file)
    assert [s["id"] for s in version["sections"]] == ["p1", "p2", "p3"]
    assert version["content"][0]["media_type"] == "application/pdf"
    answer = await qms.get(EVA, f"/api/content/{version['content'][0]['sha256']}")
    assert (answer.content, answer.headers["content-type"]) == (file, "application/pdf")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (pdf(1, password="secret"), "encrypted"),
        (pdf(0), "damaged-pdf"),
        (b"%PDF-1.4\n%%EOF", "damaged-pdf"),
        (b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj", "damaged-pdf"),
        (b"#\n" * 501, "too-many-sections"),
        (b"x" * (20 * 1024 * 1024 + 1), "too-large"),
    ],
    ids=["password", "no page", "stump", "loop", "sections", "size"],
)
async def test_a_file_that_nobody_could_read_is_refused(qms: Qms, file: bytes, reason: str) -> None:
    await qms.post(QUE, "/api/changes", {"change": "CC-7", "title": "X"})
    answer = await qms.draft(QUE, "CC-7", "SOP-101", file=file)
    assert answer.status_code == 422
    assert [(e["field"], e["reason"]) for e in answer.json()["errors"]] == [("file", reason)]


async def test_a_large_file_is_kept_and_never_copied_into_the_trail(qms: Qms) -> None:
    file = b"# Large\n" + b"x" * (20 * 1024 * 1024 - 8)
    version = await draft_cc7(qms, file=file)
    answer = await qms.get(EVA, f"/api/content/{version['content'][0]['sha256']}")
    assert answer.content == file
    assert qms.sql("SELECT max(length(body)) < 10000 AS small FROM audit.entry") == [{"small": True}]


async def test_a_translation_has_the_sections_of_the_first_file(qms: Qms) -> None:
    version = await draft_cc7(qms)
    fewer = await put(qms, "nl", b"# Doel\n")
    assert (fewer.status_code, fewer.json()["errors"][0]["reason"]) == (422, "sections-differ")
    dutch = b"# Doel\nWaarom.\n\n## Ingrepen\nHoe.\n"
    added = (await put(qms, "nl", dutch)).json()
    assert [(f["language"], f["size"]) for f in added["content"]] == [
        ("en", len(PROCEDURE)),
        ("nl", len(dutch)),
    ]
    assert [s["title"] for s in added["sections"]] == ["Purpose", "Interventions in grade A"]
    assert added["revision"] == version["revision"] + 1
    replaced = (await put(qms, "nl", dutch + b"Beter.\n")).json()
    assert [f["language"] for f in replaced["content"]] == ["en", "nl"]
    assert (await put(qms, "en", b"# One\n")).status_code == 422, "the translation would not fit any more"
    assert (await put(qms, "Klingon!", dutch)).status_code == 422
    await qms.approve(EVA, "CC-7")
    assert (await put(qms, "nl", dutch)).status_code == 409
    state = qms.events("qms.document")[-1]["data"]["state"]["versions"][1]
    assert [f["language"] for f in state["content"]] == ["en", "nl"]


async def test_a_replaced_file_brings_its_own_sections(qms: Qms) -> None:
    await draft_cc7(qms, sections_changed=["s2"])
    replaced = (await put(qms, "en", b"# Only one\n")).json()
    assert [s["title"] for s in replaced["sections"]] == ["Only one"]
    assert replaced["sections_changed"] == []


async def test_bytes_that_are_not_those_of_the_digest_are_never_shown(qms: Qms) -> None:
    version = await draft_cc7(qms)
    sha256 = version["content"][0]["sha256"]
    qms.sql("ALTER TABLE app.content_bytes DROP CONSTRAINT bytes_are_those_of_the_digest")
    assert (await qms.get(EVA, f"/api/content/{sha256}")).status_code == 200
    qms.sql("UPDATE app.content_bytes SET body = %s", [b"# Something else\n"])
    answer = await qms.get(EVA, f"/api/content/{sha256}")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:attest:problem:content-damaged")
    assert b"Something" not in answer.content
