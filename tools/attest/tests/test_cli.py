"""`attest down`, `reset`, `status`, and what `up` refuses before anything starts."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attest import cli
from attest.platform.services import SERVICES, WORKERS, Options, fix_settings, plan
from attest.platform.spec import Endpoints
from attest.platform.state import PlatformError, StateDir

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_every_command_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(command.name in shown for command in cli.COMMANDS)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_can_be_loaded(command: cli.Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command.name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: attest {command.name} [OPTIONS]")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "Usage: attest"),
        (["nothing"], "No such command 'nothing'"),
        (["status", "--nothing"], "No such option '--nothing'"),
        (["status", "more"], "Got unexpected extra argument"),
        (["up", "--mode", "trial"], "Invalid value for '--mode'"),
        (["up", "--port", "http"], "Invalid value for '--port'"),
        (["token", "change"], "Invalid value for"),
        (["bench", "--only", "nothing"], "Invalid value for '--only'"),
        (["import", "x", "--export-date", "1 March"], "'1 March' is no day (YYYY-MM-DD)"),
    ],
)
def test_a_wrong_use_is_refused_with_code_2(
    words: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    shown = capsys.readouterr()
    assert what in shown.err
    assert shown.out == ""


def test_the_state_directory_may_stand_in_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTEST_STATE_DIR", str(tmp_path))
    state = StateDir(tmp_path)
    with state.held():
        assert cli.main(["reset", "--yes"]) == 1
    assert f"{tmp_path} is in use by process" in capsys.readouterr().err


def test_ctrl_c_is_code_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(_: StateDir) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(StateDir, "taken", interrupted)
    assert cli.main(["down", "--state-dir", str(tmp_path)]) == 130


def test_help_loads_no_command() -> None:
    """The list of commands is there at once: no service and no server is imported for it."""
    script = (
        "import sys; from attest import cli; code = cli.main(['--help']); "
        "heavy = {'gateway_svc', 'psycopg', 'httpx', 'attest.platform'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["down", "--state-dir", str(tmp_path)]) == 0
    assert cli.main(["status", "--state-dir", str(tmp_path)]) == 3
    assert capsys.readouterr().out == "nothing runs\nnothing runs\n"


def test_reset_asks_and_keeps_what_make_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = StateDir(tmp_path)
    state.make()
    state.password("alpha_app")
    (tmp_path / "boot").mkdir()
    assert cli.main(["reset", "--state-dir", str(tmp_path)]) == 1
    assert "--yes" in capsys.readouterr().err
    assert state.secrets.exists()
    assert cli.main(["reset", "--yes", "--state-dir", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["boot"]


def test_a_running_platform_is_not_reset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = StateDir(tmp_path)
    with state.held():
        assert cli.main(["reset", "--yes", "--state-dir", str(tmp_path)]) == 1
    assert "is in use by process" in capsys.readouterr().err
    assert state.secrets.exists()
    assert cli.main(["reset", "--yes", "--state-dir", str(tmp_path)]) == 0


def test_passwords_stay(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.make()
    first = state.password("alpha_app")
    assert StateDir(tmp_path).password("alpha_app") == first
    assert state.password("alpha_owner") != first
    assert (state.secrets / "passwords.json").stat().st_mode & 0o777 == 0o600


def test_the_clock_is_fixed_at_creation(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.make()
    moved = Options(clock="2026-03-01T08:00Z")
    made = fix_settings(state, moved, NOW)
    assert made == ("demo", (datetime(2026, 3, 1, 8, tzinfo=UTC) - NOW).total_seconds())
    later = datetime(2026, 5, 2, tzinfo=UTC)
    assert fix_settings(state, moved, later) == made
    assert fix_settings(state, Options(), later) == made
    with pytest.raises(PlatformError, match="was created with the clock at 2026-03-01T08:00Z"):
        fix_settings(state, Options(clock="2026-04-01T08:00Z"), later)
    with pytest.raises(PlatformError, match="was created in mode demo, not production"):
        fix_settings(state, Options(mode="production"), later)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (Options(mode="production", clock="2026-03-01T08:00Z"), "refused in production"),
        (Options(clock="2026-03-01T08:00"), "has no time zone"),
        (Options(clock="yesterday"), "is no instant"),
    ],
)
def test_a_wrong_clock_is_refused(tmp_path: Path, options: Options, reason: str) -> None:
    state = StateDir(tmp_path)
    state.make()
    with pytest.raises(PlatformError, match=reason):
        fix_settings(state, options, NOW)
    assert state.settings == {}


def test_a_refusal_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["up", "--state-dir", str(tmp_path), "--clock", "yesterday"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_private_key_goes_to_the_gateway_alone(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    made = plan(state, Options(port=18080))
    endpoints = Endpoints("127.0.0.1:1", "127.0.0.1:2", state.password, state.path)
    specs = {spec.name: spec for spec in made.processes(endpoints)}
    assert set(specs) == {*SERVICES, *(f"{name}-worker" for name in WORKERS)}
    assert specs["reporting"].argv[-1] == "api"
    assert specs["reporting-worker"].argv[-1] == "worker,relay"
    assert [name for name, spec in specs.items() if "ATTEST_INTERNAL_KEY_FILE" in spec.env] == ["gateway"]
    assert all((Path(spec.env["ATTEST_INTERNAL_KEYS"])).exists() for spec in specs.values())
    assert specs["gateway"].port == 18080
    assert len({spec.env["ATTEST_HTTP_PORT"] for spec in specs.values()}) == len(specs)
    assert specs["qms"].env["ATTEST_DATABASE_URL"].startswith("postgresql://qms_app:")
    assert specs["qms"].env["ATTEST_MODE"] == "production"
    public = Path(specs["qms"].env["ATTEST_INTERNAL_KEYS"]).read_text()
    assert '"d"' not in public
