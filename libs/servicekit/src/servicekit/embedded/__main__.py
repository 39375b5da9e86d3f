"""`python -m servicekit.embedded`: fetch and prepare everything, so that later starts are fast and offline."""

import sys

from servicekit.embedded import EmbeddedServerError, prepare
from servicekit.embedded.postgres import binaries

if __name__ == "__main__":
    try:
        binaries()
        prepare(train="--no-train" not in sys.argv)
    except EmbeddedServerError as error:
        sys.exit(str(error))
