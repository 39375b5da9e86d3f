"""The web build runs when the sources changed, and only then. A stand-in for Node tells what would have run."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attest.web import (
    TYPES,
    BuildFailedError,
    Folders,
    Node,
    build,
    digest,
    install,
    is_current,
    lint,
    make_types,
    types_are_current,
)

FAKE_NODE = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
  *" ci "*) mkdir -p node_modules ;;
  *openapi-typescript*) for last; do :; done; mkdir -p "$(dirname "$last")"; cp "$2" "$last" ;;
  *--outDir*) sleep {pause}; for last; do :; done; mkdir -p "$last"; echo page > "$last/index.html"; cp src/main.ts "$last/" ;;
esac
exit {code}
"""


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "package.json").write_text("{}")
    (web / "package-lock.json").write_text("{}")
    (web / "src/main.ts").write_text("one")
    return Folders(web=web, static=tmp_path / "static/app", document=tmp_path / "openapi.json")


def node(tmp_path: Path, *, code: int = 0, pause: float = 0) -> tuple[Node, Path]:
    calls = tmp_path / "calls"
    executable = tmp_path / f"node{code}"
    executable.write_text(FAKE_NODE.format(calls=calls, code=code, pause=pause))
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    return Node(executable=executable, npm=tmp_path / "npm-cli.js"), calls


def test_builds_once_and_again_only_after_a_change(tmp_path: Path, folders: Folders) -> None:
    fake, calls = node(tmp_path)
    build(folders, node=fake)
    first = calls.read_text().splitlines()
    assert [" ci " in first[0], "build" in first[1]] == [True, True]

    build(folders, node=fake)
    assert calls.read_text().splitlines() == first, "nothing changed, so nothing may run"

    (folders.web / "src/main.ts").write_text("two")
    assert not is_current(folders)
    build(folders, node=fake)
    again = calls.read_text().splitlines()
    assert len(again) == 3, "the packages were installed before: only the build runs"
    assert (folders.static / "main.ts").read_text() == "two"


def test_platforms_that_start_together_build_once(tmp_path: Path, folders: Folders) -> None:
    fake, calls = node(tmp_path, pause=0.2)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: build(folders, node=fake), range(4)))
    assert found == [folders.static] * 4
    assert is_current(folders)
    assert len(calls.read_text().splitlines()) == 2, "one installed the packages and built, the others waited"


def test_installs_again_when_the_lock_changes(tmp_path: Path, folders: Folders) -> None:
    fake, calls = node(tmp_path)
    build(folders, node=fake)
    (folders.web / "package-lock.json").write_text('{"changed": true}')
    build(folders, node=fake)
    assert sum(" ci " in line for line in calls.read_text().splitlines()) == 2


def test_a_failed_build_keeps_the_old_pages(tmp_path: Path, folders: Folders) -> None:
    fake, _ = node(tmp_path)
    build(folders, node=fake)
    (folders.web / "src/main.ts").write_text("broken")
    failing, _ = node(tmp_path, code=1)
    with pytest.raises(BuildFailedError, match="vite build"):
        build(folders, node=failing)
    assert (folders.static / "main.ts").read_text() == "one"


def test_the_digest_sees_names_and_bytes_but_no_tests(folders: Folders) -> None:
    before = digest(folders.web)
    (folders.web / "src/time.test.ts").write_text("a test")
    assert digest(folders.web) == before
    (folders.web / "src/main.ts").rename(folders.web / "src/other.ts")
    assert digest(folders.web) != before


def test_packages_are_installed_once_for_a_lock_file(tmp_path: Path, folders: Folders) -> None:
    fake, calls = node(tmp_path)
    install(folders, fake)
    install(folders, fake)
    assert len(calls.read_text().splitlines()) == 1


@pytest.mark.req("PL-25")
def test_lint_fails_when_the_types_are_not_those_of_the_document(
    tmp_path: Path, folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    document = folders.document
    document.write_text("one")
    fake, calls = node(tmp_path)
    install(folders, fake)
    assert not types_are_current(folders, fake), "none were made"
    make_types(folders, fake)
    assert lint(folders, fake)
    document.write_text("two")
    before = (folders.web / TYPES).read_text()
    assert not lint(folders, fake)
    assert "make generate" in capsys.readouterr().err
    assert (folders.web / TYPES).read_text() == before
    assert [name for name in ("biome", "tsc") if name in calls.read_text()] == ["biome", "tsc"]


def test_lint_fails_when_a_tool_does(tmp_path: Path, folders: Folders) -> None:
    folders.document.write_text("one")
    good, _ = node(tmp_path)
    install(folders, good)
    make_types(folders, good)
    picky = tmp_path / "picky"
    picky.write_text(
        '#!/bin/sh\ncase "$*" in *biome*) exit 1 ;; esac\nexec "' + str(good.executable) + '" "$@"\n'
    )
    picky.chmod(0o755)
    assert lint(folders, good)
    assert not lint(folders, Node(executable=picky, npm=good.npm))
