"""`attest rebuild`: folds reporting's archive again, compares, and swaps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psycopg
from sqlalchemy.exc import SQLAlchemyError

from attest.backups.manifest import BackupError
from attest.backups.server import running_or_started
from attest.commands.connection import CommandError, guarded
from attest.options import state_dir_option
from attest.platform.state import StateDir

if TYPE_CHECKING:
    from reporting_svc.projections.rebuild import Swap


@click.command()
@click.argument("service", type=click.Choice(("reporting",)), default="reporting")
@click.option(
    "--swap",
    type=click.Choice(("equal", "always", "never")),
    default="equal",
    help="take the new tables when all are the same (default), always (after a corrected fold), or never",
)
@state_dir_option("of the platform that runs here, or is stopped")
@click.option("--database-url", default="", help="of reporting elsewhere (its owner role)")
@guarded
def rebuild(service: str, swap: Swap, state_dir: Path, database_url: str) -> int:
    """Fold reporting's archive again, compare, and swap.

    Exit code 0 when every table was the same or the new ones were taken, 3 when some differ and stay.
    """
    from reporting_svc.projections.rebuild import Report
    from reporting_svc.projections.rebuild import rebuild as fold_again

    def run(owner_url: str) -> Report:
        return asyncio.run(fold_again(owner_url, swap=swap))

    try:
        if database_url:
            report = run(database_url)
        else:
            with running_or_started(StateDir(state_dir)) as endpoints:
                report = run(endpoints.database_url("reporting", "owner"))
    except (BackupError, RuntimeError, psycopg.Error, SQLAlchemyError) as error:
        raise CommandError(str(error).splitlines()[0]) from error
    for table in report.tables:
        what = "same" if table.equal else f"DIFFERS, rebuilt are {table.rebuilt_rows:,}"
        print(f"{table.table:24} {table.live_rows:>12,} rows  {what}")
    taken = "the new tables are in place" if report.swapped else "the tables stay as they were"
    print(
        f"{report.events:,} events folded in {report.seconds:.1f} s, the consumer stood still for "
        f"{report.held_seconds:.1f} s; {taken}"
    )
    return 0 if report.equal or report.swapped else 3
