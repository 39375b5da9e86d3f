"""TCP ports on 127.0.0.1."""

from __future__ import annotations

import socket
from pathlib import Path

from servicekit.embedded.errors import EmbeddedServerError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at this moment.

    Another program may take it before it is used: a caller that can choose freely tries again with a new one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(program: str, port: int, log: Path | None = None) -> None:
    """Raise EmbeddedServerError, naming `program` and `port`, when something listens on 127.0.0.1:`port`."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port in TIME_WAIT, which a server could bind, would be called busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmbeddedServerError(
                program, f"port {port} of {HOST} cannot be used: {error.strerror}", port=port, log=log
            ) from error


def accepts(port: int) -> bool:
    """Tell whether something accepts connections on 127.0.0.1:`port`."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
