"""`attest import`: a customer's files by the API, as the page does it, or checked here without a platform."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click
import plantfiles
from plantfiles import report as reports

from attest.client import Api, files_of
from attest.commands.connection import CommandError, Platform, guarded, log_in_as, platform_options
from attest.demo.people import COORDINATOR


def _day(_context: click.Context, _parameter: click.Parameter, given: str | None) -> date | None:
    try:
        return None if given is None else date.fromisoformat(given)
    except ValueError:
        raise click.BadParameter(f"{given!r} is no day (YYYY-MM-DD)") from None


@click.command("import")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path), required=False)
@click.option("--check", is_flag=True, help="check here, without a platform and what it has imported before")
@click.option("--dry-run", is_flag=True, help="check alone: nothing can be accepted")
@click.option(
    "--export-date",
    callback=_day,
    metavar="D",
    help="day of the export, YYYY-MM-DD (default: today)",
)
@click.option(
    "--zone-rule",
    default=None,
    metavar="RULE",
    help="of which zone a time without offset is: `site`, or a zone",
)
@click.option(
    "--migrated-records",
    type=click.Choice(("count", "shown")),
    default="count",
    help="whether the old system's records may allow, or are kept and shown alone; signed with the batch",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="write every refused or warned row: .csv or .json",
)
@click.option(
    "--accept-as", multiple=True, metavar="USER", help="accept as this user; two are needed (repeatable)"
)
@click.option("--reason", default="import of a customer's files", help="why, for the trail")
@platform_options(demo_user=COORDINATOR)
@guarded
def import_(
    platform: Platform,
    directory: Path | None,
    check: bool,
    dry_run: bool,
    export_date: date | None,
    zone_rule: str | None,
    migrated_records: str,
    report: Path | None,
    accept_as: tuple[str, ...],
    reason: str,
) -> int:
    """Check a customer's files, which are in DIR, and take them over when two people accept.

    Exit code 0 when the files are checked, or taken over when two accepted; 1 when something went wrong.
    """
    if directory is None:
        raise CommandError("import what? attest import DIR")
    files = files_of(directory)
    if not files:
        raise CommandError(f"{directory}: there is no file")
    exported_on = export_date or date.today()  # noqa: DTZ011 - the day of whoever exported, where they are
    if check:
        if accept_as:
            raise CommandError("--check sends nothing, so that nobody can accept: leave out --accept-as")
        print(f"{len(files)} files of {directory}, export of {exported_on}")
        return _check(
            files,
            report,
            export_date=exported_on,
            zone_rule=zone_rule,
            migrated_counts=migrated_records == "count",
        )
    with platform.connect() as connection, platform.log_in(connection) as api:
        print(f"{len(files)} files of {directory}, export of {exported_on}")
        job = api.upload(
            files,
            export_date=exported_on,
            reason=reason,
            dry_run=dry_run,
            zone_rule=zone_rule,
            migrated_counts=migrated_records == "count",
        )
        print(table(job))
        if report:
            write_report(api, job["id"], report)
            print(f"report in {report}")
        if dry_run:
            print("a dry run: nothing is kept but this report")
            return 0
        if job["state"] == "DONE":
            print("nothing is new")
            return 0
        for user in accept_as:
            with log_in_as(connection, user) as signer:
                signature = signer.accept_import(job["id"])
                print(f"accepted by {signature['printed_name']}, {signature['signed_at']}")
        if len(accept_as) < 2:
            print(f"two people accept it on the page: {api.address}/import/{job['id']}")
            return 0
        return finish(api, job["id"])


def _check(
    files: Mapping[str, bytes],
    report: Path | None,
    *,
    export_date: date,
    zone_rule: str | None,
    migrated_counts: bool,
) -> int:
    """Checks the files by the rules of the platform, against each other alone."""
    try:
        plan = plantfiles.check(
            plantfiles.read_files(files),
            export_date=export_date,
            zone_rule=zone_rule,
            migrated_counts=migrated_counts,
        )
    except ValueError as error:
        raise CommandError(str(error)) from error
    print(table({"files": reports.summary(plan), "questions": len(plan.questions)}))
    if report:
        if _wants_json(report):
            content = reports.as_dict(plan)
            _write_json(report, content | {"items": content.pop("findings")})
        else:
            _write_csv(report, reports.as_csv(plan))
        print(f"report in {report}")
    print("checked without a platform: nothing was sent")
    return 0


def finish(api: Api, job: str) -> int:
    """Waits for an accepted import and tells how it ended."""
    done = api.wait_for_import(job, progress=teller(print))
    if done["state"] != "DONE":
        print(
            f"attest: import {job} {done['state']}: {(done['failure'] or {}).get('detail', '')}",
            file=sys.stderr,
        )
        return 1
    print(f"done: {done['progress']['sent']:,} rows")
    return 0


def table(job: Mapping[str, Any]) -> str:
    """The counts of each file; rows = taken + refused + identical."""
    lines = [f"{'file':24}{'rows':>9}{'taken':>9}{'refused':>9}{'identical':>11}{'warned':>8}"]
    for file in job["files"]:
        warned = sum(file["reasons"].get("W", {}).values())
        lines.append(
            f"{file['file']:24}{file['rows']:>9,}{file['taken']:>9,}{file['refused']:>9,}"
            f"{file['identical']:>11,}{warned:>8,}"
        )
        for reason, count in sorted(file["reasons"].get("R", {}).items()):
            lines.append(f"    {reason}: {count:,}")
    if job["questions"]:
        lines.append(f"open questions of the matrix: {job['questions']} (flag MATRIX_UNRESOLVED)")
    return "\n".join(lines)


def teller(say: Callable[[str], object]) -> Callable[[Mapping[str, Any]], None]:
    """Says what an import does, once for each thing."""
    told = [""]

    def tell(job: Mapping[str, Any]) -> None:
        progress = job["progress"]
        stage, doing = progress["stage"], progress["doing"]
        now = f"{stage} {doing}"
        if stage and now != told[0]:
            told[0] = now
            what = "handed over" if doing == "sends" else "waits until all have heard"
            say(f"  {stage}: {what} ({progress['sent']:,} of {progress['total']:,} rows)")

    return tell


def write_report(api: Api, job: str, file: Path) -> None:
    """The report as the file's name asks for: .json, else CSV."""
    path = f"/api/imports/{job}/report"
    if not _wants_json(file):
        _write_csv(file, api.text(path, "text/csv"))
        return
    report = api.get(path, limit=1)
    report["items"] = list(api.pages(path, limit=500))
    _write_json(file, report | {"next": None})


def _wants_json(file: Path) -> bool:
    return file.suffix.lower() == ".json"


def _write_csv(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="")


def _write_json(file: Path, report: Mapping[str, Any]) -> None:
    file.write_text(
        json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", errors="backslashreplace"
    )
