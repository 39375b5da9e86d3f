"""TCP ports on 127.0.0.1."""

from __future__ import annotations

import socket
from pathlib import Path

from servicekit.embedded.errors import EmbeddedServerError

HOST = "127.0.0.1"


_held: list[socket.socket] = []


def free_port(*, hold: bool = True) -> int:
    """Return a port of 127.0.0.1 that nobody uses, and hold it until this process ends.

    A socket that is bound and never listens holds it: the system gives the port to nobody who asks for any, neither
    to a server nor to a connection. A server that is told the port may listen on it, again after a crash too:
    PostgreSQL, Kafka and asyncio all set SO_REUSEADDR. One that does not is refused: for such a one (a container
    engine) `hold` is False, and another program may take the port before it is used.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.bind((HOST, 0))
    # Afterwards: with it before, the system could give a port that another one holds in the same way.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = int(holder.getsockname()[1])
    if hold:
        _held.append(holder)
    else:
        holder.close()
    return port


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
