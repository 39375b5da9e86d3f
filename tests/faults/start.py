"""`python start.py STATE_DIR PORT [CLOCK]`: what `attest up` starts, without building the pages first."""

import sys
from pathlib import Path

from attest.platform.services import Options, plan
from attest.platform.state import StateDir
from attest.platform.supervisor import Supervisor

state = StateDir(Path(sys.argv[1]))
options = Options(port=int(sys.argv[2]), clock="".join(sys.argv[3:]))
sys.exit(Supervisor(state, plan(state, options)).run())
