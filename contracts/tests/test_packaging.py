"""The wheel carries the contract files and reads them without the source tree."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attest_contracts import files

READ = """
import sys
sys.path.insert(0, sys.argv[1])
import attest_contracts
from attest_contracts import files, policy, topics, validate_heartbeat
assert attest_contracts.__file__.startswith(sys.argv[1]), attest_contracts.__file__
validate_heartbeat({"watermark": "2026-03-01T08:00:00Z"})
assert policy.load()["roles"] and files.read("asyncapi", "asyncapi.yaml")
assert files.names("examples/matrix.person/v1", ".json")
print(len(topics.load()))
"""


@pytest.mark.slow
@pytest.mark.part("PL-24", "a wheel contains the contract files")
def test_a_wheel_holds_the_contract_files(tmp_path):
    # The one that `make` brings need not be on the PATH.
    own = Path(__file__).parents[2] / ".attest" / "boot" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    assert uv, "uv builds the wheel: make brings it, or it is on the PATH"
    build = [uv, "build", "--wheel", "--python", sys.executable, "-o", str(tmp_path)]
    subprocess.run([*build, str(files.source_root())], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    result = subprocess.run(
        [sys.executable, "-c", READ, str(wheel)], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert int(result.stdout) == len(files.names("topics", ".yaml"))
