"""Released schemas stay as they were released."""

import json
import shutil
from pathlib import Path

import pytest
from attest_contracts import files
from attest_contracts.tools import lock

pytestmark = pytest.mark.part("PL-24", "released schemas stay as they were released")

SCHEMA = "matrix.task.v1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("schemas", "released"):
        shutil.copytree(files.source_root() / folder, tmp_path / folder)
    shutil.copy(files.source_root() / "schemas.lock", tmp_path)
    assert lock.check(tmp_path) == []
    return tmp_path


def edit(file: Path, **properties: dict) -> None:
    schema = json.loads(file.read_text())
    schema["$defs"]["State"]["properties"].update(properties)
    file.write_text(json.dumps(schema))


def test_the_lock_holds():
    assert lock.check(files.source_root()) == []


def test_a_changed_edition_is_found(root: Path):
    edit(root / f"released/{SCHEMA}.0.schema.json", more={"type": "string"})
    assert f"released/{SCHEMA}.0.schema.json: changed after its release" in lock.check(root)


def test_a_removed_edition_is_found(root: Path):
    (root / f"released/{SCHEMA}.0.schema.json").unlink()
    assert f"released/{SCHEMA}.0.schema.json: removed, but locked" in lock.check(root)


def test_an_edition_without_a_lock_is_found(root: Path):
    shutil.copy(root / f"released/{SCHEMA}.0.schema.json", root / f"released/{SCHEMA}.7.schema.json")
    assert f"released/{SCHEMA}.7.schema.json: not in schemas.lock" in lock.check(root)


def test_a_removed_schema_is_found(root: Path):
    (root / f"schemas/{SCHEMA}.schema.json").unlink()
    assert lock.check(root) == [f"schemas/{SCHEMA}: removed, but it was released"]


def test_an_added_optional_field_waits_for_its_release(root: Path):
    edit(root / f"schemas/{SCHEMA}.schema.json", more={"type": ["string", "null"]})
    assert lock.check(root) == [f"schemas/{SCHEMA}: differs from its last released edition; run --release"]
    assert lock.release(root) == ([f"{SCHEMA}.1.schema.json"], [])
    assert lock.check(root) == []
    assert lock.release(root) == ([], [])


def test_a_breaking_change_is_not_released(root: Path):
    before = (root / "schemas.lock").read_text()
    edit(root / f"schemas/{SCHEMA}.schema.json", title={"type": "integer"})
    released, refused = lock.release(root)
    assert released == []
    assert any("/state/title: type changed" in line for line in refused)
    assert any("/state/title: type changed" in line for line in lock.check(root))
    assert (root / "schemas.lock").read_text() == before


def test_the_gate_compares_with_every_edition(root: Path):
    """A field that an older edition had cannot come back as something else."""
    file = root / f"schemas/{SCHEMA}.schema.json"
    edit(file, more={"type": ["string", "null"]})
    lock.release(root)
    edit(file, other={"type": ["string", "null"]})
    lock.release(root)
    edit(file, more={"type": ["integer", "null"]})
    _, refused = lock.release(root)
    assert any("/state/more: type changed" in line for line in refused)


def test_a_new_schema_gets_its_first_edition(root: Path):
    shutil.copy(root / f"schemas/{SCHEMA}.schema.json", root / "schemas/matrix.thing.v1.schema.json")
    assert lock.check(root) == ["schemas/matrix.thing.v1: never released; run --release"]
    assert lock.release(root) == (["matrix.thing.v1.0.schema.json"], [])
    assert lock.check(root) == []
