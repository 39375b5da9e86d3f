"""Makes processes of the toy services by forking one that has imported everything: a start takes milliseconds.

Reads JSON lines `["start", role, given, crash]` and `["poll", pid]`, answers each with one. Ends with its stdin, and
its children with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys

import bus_toy as toy
from servicekit.bus.faults import crash


def child(role: str, given: dict, crash_at: str) -> None:
    os.environ["ATTEST_MODE"] = "test"
    os.environ["SERVICEKIT_CRASH_AT"] = crash_at
    crash.__init__()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    code = 1
    try:
        asyncio.run(toy.main(role, given))
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    codes: dict[int, int | None] = {}
    for line in sys.stdin:
        command, *values = json.loads(line)
        if command == "start":
            pid = os.fork()
            if pid == 0:
                child(*values)
            codes[pid] = None
            answer = pid
        else:
            pid = values[0]
            if codes[pid] is None:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    codes[pid] = os.waitstatus_to_exitcode(status)
            answer = codes[pid]
        print(json.dumps(answer), flush=True)
    for pid, code in codes.items():
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
