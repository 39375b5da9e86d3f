"""`attest import`: a customer's files by the API, as the page does it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from attest.client import Api, files_of
from attest.commands.connection import (
    CommandError,
    add_address,
    add_user,
    connect,
    guarded,
    log_in,
    log_in_as,
)
from attest.demo.people import COORDINATOR


def add_import(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest import`."""
    parser.add_argument("directory", type=Path, nargs="?", metavar="DIR", help="where the files are")
    parser.add_argument("--dry-run", action="store_true", help="check alone: nothing can be accepted")
    parser.add_argument(
        "--export-date",
        type=_day,
        default=None,
        metavar="D",
        help="day of the export, YYYY-MM-DD (default: today)",
    )
    parser.add_argument(
        "--zone-rule",
        default=None,
        metavar="RULE",
        help="of which zone a time without offset is: `site`, or a zone",
    )
    parser.add_argument(
        "--migrated-records",
        choices=("count", "shown"),
        default="count",
        help="whether the old system's records may allow, or are kept and shown alone; signed with the batch",
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=None,
        metavar="FILE",
        help="write every refused or warned row: .csv or .json",
    )
    parser.add_argument(
        "--accept-as", action="append", default=[], metavar="USER", help="accept as this user; two are needed"
    )
    parser.add_argument("--reason", default="import of a customer's files", help="why, for the trail")
    add_address(parser)
    add_user(parser, default=COORDINATOR)


def import_(args: argparse.Namespace) -> int:
    """Exit code 0 when the files are checked, or taken over when two accepted; 1 when something went wrong."""
    return guarded(_import, args)


def _import(args: argparse.Namespace) -> int:
    if args.directory is None:
        raise CommandError("import what? attest import DIR")
    files = files_of(args.directory)
    if not files:
        raise CommandError(f"{args.directory}: there is no file")
    export_date = args.export_date or date.today()  # noqa: DTZ011 - the day of whoever exported, where they are
    with connect(args) as platform, log_in(platform, args) as api:
        print(f"{len(files)} files of {args.directory}, export of {export_date}")
        job = api.upload(
            files,
            export_date=export_date,
            reason=args.reason,
            dry_run=args.dry_run,
            zone_rule=args.zone_rule,
            migrated_counts=args.migrated_records == "count",
        )
        print(table(job))
        if args.report:
            write_report(api, job["id"], args.report)
            print(f"report in {args.report}")
        if args.dry_run:
            print("a dry run: nothing is kept but this report")
            return 0
        if job["state"] == "DONE":
            print("nothing is new")
            return 0
        for user in args.accept_as:
            with log_in_as(platform, user) as signer:
                signature = signer.accept_import(job["id"])
                print(f"accepted by {signature['printed_name']}, {signature['signed_at']}")
        if len(args.accept_as) < 2:
            print(f"two people accept it on the page: {api.address}/import/{job['id']}")
            return 0
        return finish(api, job["id"])


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
    if file.suffix.lower() != ".json":
        file.write_text(api.text(path, "text/csv"), encoding="utf-8", newline="")
        return
    report = api.get(path, limit=1)
    report["items"] = list(api.pages(path, limit=500))
    file.write_text(
        json.dumps(report | {"next": None}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day (YYYY-MM-DD)") from None
