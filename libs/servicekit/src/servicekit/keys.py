"""`python -m servicekit.keys DIRECTORY`: makes the gateway's signing key and the set of its public halves, once.

`internal-key.json` (mode 0600) is for the gateway alone; `internal-keys.json` is what every service verifies with.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from servicekit.http.caller import new_key, public_set

PRIVATE, PUBLIC = "internal-key.json", "internal-keys.json"


def make_keys(directory: Path) -> tuple[Path, Path]:
    """The paths of the private key and of the public set; what is there stays as it is."""
    directory.mkdir(parents=True, exist_ok=True)
    private, public = directory / PRIVATE, directory / PUBLIC
    if not (private.exists() and public.exists()):
        key = new_key(f"gateway-{datetime.now(UTC):%Y%m%d%H%M%S}")
        private.touch(mode=0o600)
        private.write_text(json.dumps(key.as_dict(private=True)) + "\n")
        public.write_text(json.dumps(public_set([key])) + "\n")
    return private, public


if __name__ == "__main__":
    make_keys(Path(sys.argv[1]))
