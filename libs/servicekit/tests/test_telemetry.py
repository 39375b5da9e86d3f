"""What is logged of an error: where and what, never the values that were at hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from servicekit import telemetry
telemetry.set_up("toy")
{more}
def connect(password):
    raise RuntimeError("refused")
try:
    connect("tell-nobody")
except RuntimeError:
    structlog.get_logger().exception("failed")
"""
WITH_LOCALS = """
configuration = structlog.get_config()
processors = [structlog.processors.dict_tracebacks if isinstance(p, structlog.processors.ExceptionRenderer) else p
              for p in configuration["processors"]]
structlog.configure(processors=processors)
"""


def logged(more: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(more=more)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stderr


@pytest.mark.part("PL-26", "an error is logged without the local variables")
def test_an_error_is_logged_without_the_local_variables() -> None:
    text = logged()
    assert '"exc_type": "RuntimeError"' in text
    assert '"name": "connect"' in text
    assert "tell-nobody" not in text


def test_the_control_would_log_them() -> None:
    assert "tell-nobody" in logged(WITH_LOCALS)
