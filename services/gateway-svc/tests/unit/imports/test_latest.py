"""The last check is kept for a while, for its own job, once."""

from __future__ import annotations

from datetime import date

from gateway_svc.handlers.imports.jobs import Checked, Latest
from plantfiles import check


def checked() -> Checked:
    return Checked({}, check({}, export_date=date(2026, 3, 1)), ())


def test_it_is_taken_once_and_by_its_job_alone() -> None:
    latest, mine = Latest(), checked()
    latest.keep("job", mine)
    assert latest.take("other") is None
    assert latest.take("job") is mine
    assert latest.take("job") is None


def test_a_later_upload_takes_its_place() -> None:
    latest = Latest()
    latest.keep("one", checked())
    latest.keep("two", checked())
    assert latest.take("one") is None
    assert latest.take("two") is not None


def test_what_is_old_is_let_go() -> None:
    latest = Latest(seconds=0.0)
    latest.keep("job", checked())
    assert latest.take("job") is None
    latest.keep("job", checked())
    latest.forget_old()
    assert latest._kept is None
