"""`python -m attest`."""

import sys

from attest.cli import main

if __name__ == "__main__":
    sys.exit(main())
