"""`python toy_platform.py STATE_DIR PORT`: the real supervisor with toy services, the second needing the first.

`TOY_KAFKA` names a running Kafka, which the platform then uses instead of starting one.
"""

import os
import sys
from pathlib import Path

from attest.platform.spec import Endpoints, Plan, ProcessSpec
from attest.platform.state import StateDir
from attest.platform.supervisor import Supervisor
from servicekit.embedded.ports import free_port

state_dir, public = Path(sys.argv[1]), int(sys.argv[2])


def processes(endpoints: Endpoints) -> list[ProcessSpec]:
    specs = []
    for name, port, needs in (("alpha", public, ["postgres", "kafka"]), ("beta", free_port(), ["alpha"])):
        env = {
            "ATTEST_DATABASE_URL": endpoints.database_url(name),
            "ATTEST_OWNER_DATABASE_URL": endpoints.database_url(name, "owner"),
            "ATTEST_HTTP_PORT": str(port),
        }
        argv = [sys.executable, str(Path(__file__).with_name("toy_service.py"))]
        if name == "beta" and os.environ.get("TOY") == "missing program":
            argv = ["/nowhere/beta"]
        url = f"http://127.0.0.1:{port}/readyz"
        specs.append(ProcessSpec(name, argv, env, ready_url=url, needs=needs, port=port, deadline=5))
    return specs


plan = Plan(("alpha", "beta"), processes, {"alpha": public}, address=f"http://127.0.0.1:{public}")
sys.exit(Supervisor(StateDir(state_dir), plan, kafka=os.environ.get("TOY_KAFKA", "")).run())
