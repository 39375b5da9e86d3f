"""The one exception type of the embedded servers."""

from __future__ import annotations

from pathlib import Path


class EmbeddedServerError(RuntimeError):
    """A program could not be prepared, started or kept running.

    The text is one line for a human reader: it names the program and, as far as it applies, the port, the path and
    the log file. The parts are attributes, so that a caller never has to parse the text.

    Attributes:
        program: what was to run, e.g. ``"PostgreSQL"``.
        port: the TCP port concerned, or None.
        path: the directory or file concerned, or None.
        log: the log file of the program, or None.
    """

    def __init__(
        self,
        program: str,
        reason: str,
        *,
        port: int | None = None,
        path: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.program = program
        self.port = port
        self.path = path
        self.log = log
        text = " ".join(f"{program}: {reason}".split())
        super().__init__(f"{text} (log: {log})" if log is not None else text)
