"""What a restore refuses before it writes anything, and the states in which a lost subject is announced."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from attest import cli
from attest.backups.lost import KIND, REASON, WITHDRAWALS
from attest.backups.manifest import BackupError, Dumped, File, Manifest, check_files, digest, read
from attest.platform.services import SERVICES
from attest.platform.state import StateDir
from attest_contracts import files, topics, validate_outgoing
from attest_contracts.topics import AUDIT_SUFFIX
from servicekit.db.migrate import head

AT = "2026-03-02T10:00:00.000000Z"


@pytest.fixture
def backup(tmp_path: Path) -> tuple[Path, Manifest]:
    """A backup as far as a restore looks at it before it loads the first dump."""
    directory = tmp_path / "backup"
    (directory / "databases").mkdir(parents=True)
    databases: dict[str, Dumped] = {}
    found: dict[str, File] = {}
    for service in SERVICES:
        name = f"databases/{service}.dump"
        (directory / name).write_bytes(service.encode() * 1000)
        found[name] = digest(directory / name)
        databases[service] = Dumped(name, head(f"{service}_svc") or "", 1, {})
    manifest = Manifest(AT, AT, "0.1.0", "18", {"mode": "test"}, databases, found)
    manifest.write(directory)
    return directory, manifest


def test_a_whole_backup_is_read_as_it_was_written(backup: tuple[Path, Manifest]) -> None:
    directory, manifest = backup
    found, _ = read(directory, SERVICES)
    assert found == manifest
    check_files(directory, found)


@pytest.mark.parametrize("change", ["flip", "cut", "remove", "add"])
def test_a_file_that_is_another_is_refused(backup: tuple[Path, Manifest], change: str) -> None:
    directory, manifest = backup
    path = directory / "databases" / "qms.dump"
    content = path.read_bytes()
    match change:
        case "flip":
            path.write_bytes(content[:9] + bytes([content[9] ^ 1]) + content[10:])
        case "cut":
            path.write_bytes(content[:-1])
        case "remove":
            path.unlink()
        case _:
            (directory / "secrets").mkdir()
            (directory / "secrets" / "key.json").write_text("mine")
    with pytest.raises(BackupError, match=r"qms\.dump|secrets/key\.json"):
        check_files(directory, manifest)


def test_a_newer_schema_than_the_code_is_refused(backup: tuple[Path, Manifest]) -> None:
    directory, manifest = backup
    newer = replace(manifest.databases["records"], revision="ffffffffffff")
    replace(manifest, databases={**manifest.databases, "records": newer}).write(directory)
    with pytest.raises(BackupError, match=r"the schema of records .* is newer than this release"):
        read(directory, SERVICES)
    # The others can be restored by themselves.
    read(directory, ("qms",))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2"),
        ({"postgres": "19"}, "PostgreSQL 19"),
        ({"databases": {}}, "no database of matrix"),
    ],
)
def test_what_this_release_cannot_read_is_refused(
    backup: tuple[Path, Manifest], change: dict, reason: str
) -> None:
    directory, manifest = backup
    replace(manifest, **change).write(directory)
    with pytest.raises(BackupError, match=reason):
        read(directory, SERVICES)


def test_a_path_that_leads_out_is_refused(backup: tuple[Path, Manifest], tmp_path: Path) -> None:
    directory, manifest = backup
    (tmp_path / "elsewhere").write_text("x")
    out = {**manifest.files, "../elsewhere": digest(tmp_path / "elsewhere")}
    with pytest.raises(BackupError, match="lies outside"):
        check_files(directory, replace(manifest, files=out))


def test_a_refusal_writes_nothing_and_is_one_line(
    backup: tuple[Path, Manifest], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, _ = backup
    target = tmp_path / "state"
    assert cli.main(["restore", str(tmp_path / "nothing"), "--state-dir", str(target)]) == 1
    (directory / "databases" / "qms.dump").write_bytes(b"another")
    assert cli.main(["restore", str(directory), "--state-dir", str(target)]) == 1
    assert not target.exists()
    assert cli.main(["restore", "--state-dir", str(target)]) == 1
    assert cli.main(["backup", str(tmp_path / "new"), "--state-dir", str(target)]) == 1
    assert capsys.readouterr().err.count("\n") == 4


def test_a_target_that_is_not_empty_or_runs_is_refused(
    backup: tuple[Path, Manifest], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, _ = backup
    state = StateDir(tmp_path / "state")
    command = ["restore", str(directory), "--state-dir", str(state.path)]
    with state.held():
        assert cli.main([*command, "--force"]) == 1
    assert "is in use by process" in capsys.readouterr().err
    state.password("qms_app")
    assert cli.main(command) == 1
    assert "is not empty" in capsys.readouterr().err
    assert (state.secrets / "passwords.json").exists()


# Lost subjects


def _examples(topic: str) -> list[dict]:
    folder = f"examples/{topic}/{topics.load()[topic].major}"
    return [json.loads(files.read(folder, name)) for name in files.names(folder, ".json")]


def test_every_topic_whose_subjects_others_rest_on_can_take_them_back() -> None:
    every = {
        name for name in topics.load() if not name.endswith(AUDIT_SUFFIX) and not topics.load()[name].external
    }
    assert every - WITHDRAWALS.keys() == {"matrix.person-name"}


@pytest.mark.parametrize("topic", WITHDRAWALS)
def test_what_is_taken_back_is_of_its_contract_and_keeps_its_subject(topic: str) -> None:
    withdrawal, spec = WITHDRAWALS[topic], topics.load()[topic]
    assert withdrawal.type in spec.event_types
    examples = _examples(topic)
    assert examples
    for example in examples:
        known = example["data"]["state"]
        state = withdrawal.state(known, AT)
        change = {"kind": KIND, "reason": REASON, "valid_from": None, "cause": example["id"]}
        validate_outgoing(topic, {"state": state, "change": change})
        assert spec.subject_of(state) == spec.subject_of(known)
        assert spec.key_of(state) == spec.key_of(known)
        assert withdrawal.state(state, AT) == state, "twice is once"
