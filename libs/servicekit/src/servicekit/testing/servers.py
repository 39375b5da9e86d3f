"""`python -m servicekit.testing.servers`: a PostgreSQL and a Kafka for many test runs, until Ctrl-C.

It prints the two variables that make test runs use them, in a form that a shell can evaluate.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servicekit.embedded import EmbeddedServerError, KafkaServer, PostgresServer


def main() -> int:
    """Run both until a signal comes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="servicekit-servers-") as scratch:
        folder = Path(scratch)
        postgres = PostgresServer(folder / "postgres", log=folder / "postgres.log", fast=True)
        kafka = KafkaServer(folder / "kafka", log=folder / "kafka.log")
        try:
            with ThreadPoolExecutor(2) as pool:
                for started in [pool.submit(postgres.start), pool.submit(kafka.start)]:
                    started.result()
            print(f"export ATTEST_TEST_POSTGRES_URL={postgres.url('postgres')}")
            print(f"export ATTEST_TEST_KAFKA={kafka.bootstrap}", flush=True)
            signal.pause()
        except EmbeddedServerError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            kafka.kill9()
            postgres.kill9()
    return 0


if __name__ == "__main__":
    sys.exit(main())
