"""Which failures pass by themselves and which are the event's."""

from __future__ import annotations

import psycopg
import sqlalchemy.exc

# Connection, resources, operator intervention, rollback by the system (deadlock, serialization), lock not available.
_PASSING = ("08", "53", "58", "40")
_PASSING_STATES = {"57P01", "57P02", "57P03", "57P04", "57P05", "55P03", "25P03", "25P04"}


class Unavailable(Exception):
    """Raised by a fold when something outside is not there: tried again for ever, the partition waits."""


def passes(error: BaseException) -> bool:
    """Whether it is infrastructure: the same batch is tried again for ever.

    A statement timeout is not: one event that always takes too long must not stop a partition.
    """
    if isinstance(error, Unavailable | ConnectionError | sqlalchemy.exc.TimeoutError):
        return True
    if getattr(error, "retryable", False):
        return True
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and passes(error.orig))
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state is None:
            return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return state in _PASSING_STATES or state.startswith(_PASSING)
    return False


def named(error: BaseException) -> str:
    """The error for a log line: its class and, for a database error, the SQLSTATE. The text is left out, because it may
    quote values."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    return f"{type(original).__name__} {state}" if state else type(original).__name__


def described(error: BaseException) -> str:
    """The error to store with a parked event: its text or, for a database error, the first line, which has no values."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if isinstance(original, psycopg.Error):
        return f"{original.sqlstate}: {original.diag.message_primary}"
    return str(original).replace("\0", "")
