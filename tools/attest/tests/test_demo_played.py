"""`attest demo` from its start to its end, as somebody sees it who has just cloned the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from servicekit.embedded.ports import free_port


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("platform")
@pytest.mark.req("PL-29", "AE-01", "QM-01", "R-18", "N-02", "RP-06")
def test_the_demo_plays_its_story_and_says_where_to_look(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "attest", "demo", "--leave"]
    played = subprocess.run(
        [*command, "--port", str(port), "--state-dir", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
    )
    told = played.stdout
    assert played.returncode == 0, told[-4000:] + played.stderr[-4000:]
    for expected in (
        r"once more: nothing changes",
        r"accepted by \w+ and \w+",
        r"may DEV run the filling line at 9 Nov 08:00\? DENY: NO_ACTIVE_SPELL",
        r"may DEV run the filling line at 10 Nov 08:00\? DENY: .*NEVER_TRAINED SOP-120",
        r"CC-7 approved by Eva Dijkstra",
        r"CHI: REVISION, PAUSED, due when back from leave",
        r"ANA: REVISION, OPEN, due 15 Nov 06:00 \(CET\)",
        r"ANA: QUALIFIED, ALLOW \(v5 governs, trained on v5\)",
        r"may BEN run the filling line at 16 Nov 06:00\? DENY: SUPERSEDED SOP-120",
        r"BEN on 17 Nov 12:00, as known then: SUPERSEDED",
        r"BEN on 17 Nov 12:00, as known now: QUALIFIED \[LATE_ENTRY\]",
        r"what came between is record [0-9a-f-]{36}",
        r"GIL at 22 Nov 23:59:59 \(EST\): IN_WINDOW, ALLOW",
        r"GIL at 23 Nov 00:00:00 \(EST\): SUPERSEDED, DENY",
        r"records: INSERT training_record by ANA \(read and understood\)",
        rf"open http://127\.0\.0\.1:{port} and log in with the password",
    ):
        assert re.search(expected, told), f"{expected}\n{told}"
