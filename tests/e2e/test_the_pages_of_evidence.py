"""What an auditor looks at after the story, in the browser: records, two answers about one moment, figures and rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Platform
from tests.e2e.pages import SHOTS, axe_finds_nothing, broken_rules, page_of, shoot, tab_to

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("journeys"),
]
NL = ZoneInfo("Europe/Amsterdam")
THEN = urlencode({"at": "2026-03-17T12:00:00+01:00", "known": "2026-03-17T12:00:00+01:00"})
"""BEN had not signed, as far as anybody knew; his paper form of 14 March was keyed on 20 March."""


@contextmanager
def sound_page_of(platform: Platform, username: str) -> Iterator[Page]:
    """A page on which no script may break."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    errors: list[str] = []
    with page_of(platform.base, username) as page:
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
    assert errors == []


def shown(iso: str, seconds: bool = True) -> str:
    """An instant as a page of NL1 shows it."""
    local = datetime.fromisoformat(iso).astimezone(NL)
    return f"{local.day} {local:%b %Y %H:%M:%S}" if seconds else f"{local.day} {local:%b %Y %H:%M}"


@pytest.mark.part("SR-05", "a record page shows signature and trail")
@pytest.mark.part("RP-02", "a record page shows signature and trail")
@pytest.mark.part("RP-06", "a record page shows signature and trail")
@pytest.mark.part("SR-21", "axe finds nothing on the page of a record")
def test_a_record_is_evidence_signature_and_trail(platform: Platform) -> None:
    auditor, record = platform.user("auditor"), platform.memory["record"]
    [signature] = auditor.get(f"/api/records/{record}")["signatures"]
    trail = auditor.get("/api/audit", id=record)["items"]
    with sound_page_of(platform, "auditor") as page:
        page.goto(f"{platform.base}/records/{record}")
        signed = page.locator(".manifestation")
        expect(signed.get_by_text("Ana Vermeer", exact=True)).to_be_visible()
        assert signature["printed_name"] == "Ana Vermeer"
        expect(signed.get_by_text(signature["meaning_text"])).to_be_visible()
        expect(signed.get_by_role("time")).to_have_text(f"{shown(signature['signed_at'])} NL1")
        expect(signed.get_by_text("Europe/Amsterdam")).to_be_visible()
        expect(signed.get_by_text("The record is what was signed")).to_be_visible()
        entries = page.locator(".trail > li")
        expect(entries.first).to_be_visible()
        shoot(page, SHOTS, "record-as-evidence")
        expect(entries).to_have_count(len(trail))
        for number, entry in enumerate(trail):
            at = entries.nth(number)
            expect(at.get_by_role("time").first).to_have_attribute("datetime", entry["at"])
            expect(at.locator(".zone").first).not_to_be_empty()
            expect(at.get_by_text(f"Reason: {entry['reason']}")).to_be_visible()
            who = entry["actor_name"] or entry["actor"].partition("/")[2]
            expect(at.locator(".trail-head")).to_contain_text(who)
        # Old and new values: what her signature did to the assignment.
        # One clock for the whole trail, also where an entry is about nobody.
        assert set(page.locator(".trail .trail-head .zone").all_inner_texts()) == {"NL1"}
        closing = next(
            number
            for number, entry in enumerate(trail)
            for change in entry["changes"]
            if entry["service"] == "assignment" and (change["before"], change["after"]) == ("OPEN", "CLOSED")
        )
        entries.nth(closing).locator("summary").click()
        state = page.get_by_role("rowheader", name="State", exact=True)
        row = entries.nth(closing).get_by_role("row").filter(has=state)
        assert row.get_by_role("cell").all_inner_texts() == ["OPEN", "CLOSED"]
        at = page.get_by_role("rowheader", name="Closed at", exact=True)
        when = entries.nth(closing).get_by_role("row").filter(has=at)
        expect(when.get_by_role("time")).to_contain_text("12 Mar 2026 22:3")
        axe_finds_nothing(page)
        entries.nth(closing).scroll_into_view_if_needed()
        shoot(page, SHOTS, "record-trail")


@pytest.mark.req("N-02", "RP-04")
@pytest.mark.part("RP-03", "a late entry gives two answers and the page names the record")
@pytest.mark.part("R-18", "a late entry gives two answers and the page names the record")
@pytest.mark.part("SR-21", "axe finds nothing on the pages of evidence")
def test_a_late_entry_gives_two_answers_and_the_page_names_the_record(platform: Platform) -> None:
    auditor = platform.user("auditor")
    [late] = [
        row
        for row in auditor.get("/api/records", person="BEN", item="SOP-101")["items"]
        if row["version"] == 4
    ]
    with sound_page_of(platform, "auditor") as page:
        page.goto(f"{platform.base}/people/BEN?{THEN}")
        # The bar says which moment this is, and the answer is that of then.
        expect(page.get_by_role("banner")).to_contain_text("As of 17 Mar 2026 11:00 UTC, as known then")
        status = page.get_by_role("button", name=re.compile("SOP-101: history"))
        expect(status).to_contain_text("Superseded")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        segment = page.locator(".timeline-history > li").filter(has_text="Superseded").first
        expect(segment.get_by_text("May not do the work")).to_be_visible()
        axe_finds_nothing(page)
        shoot(page, SHOTS, "person-as-known-then")
        tab_to(page, segment.get_by_role("link", name="As known then and now"))
        page.keyboard.press("Enter")
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("SOP-101: first “Superseded”, later “Qualified”")
        page.wait_for_url(re.compile(r"/people/BEN/differences/SOP-101\?.*known_b="))
        lead = page.locator(".lead")
        expect(lead).to_contain_text(
            "As of 17 Mar 2026 12:00:00 NL1, as known at 17 Mar 2026 12:00:00 NL1 and at"
        )
        verdict = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Verdict"))
        assert verdict.get_by_role("cell").all_inner_texts() == ["May not do the work", "May do the work"]
        expect(verdict.get_by_role("rowheader")).to_contain_text("changed")
        came = page.locator("section.panel").filter(has_text="Records that only the later answer rests on")
        named = came.get_by_role("link", name=re.compile(late["record"]))
        expect(named).to_be_visible()
        expect(came.get_by_text("the network was down in the gowning room")).to_be_visible()
        causes = page.locator("section.panel").filter(has_text="Facts that changed the answer")
        expect(causes.get_by_text("A paper record was entered late and checked")).to_be_visible()
        expect(causes.locator(".trail-head").last).to_contain_text("Eva Dijkstra")
        expect(causes.get_by_role("time").last).to_contain_text(re.compile(r"20 Mar 2026 \d\d:\d\d:\d\d NL1"))
        # Nothing earlier can still come, once every input has said so.
        expect(page.get_by_text("Final: no earlier fact can still arrive.")).to_be_visible()
        axe_finds_nothing(page)
        shoot(page, SHOTS, "differences")
        page.screenshot(path=SHOTS / "differences-whole.png", full_page=True)
        address = page.url
        named.click()
        page.wait_for_url(re.compile(f"/records/{late['record']}"))
        expect(page.get_by_text("Late entry.")).to_be_visible()
    # A colleague who is sent the address sees the same.
    with sound_page_of(platform, "coordinator") as page:
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "SOP-101: first “Superseded”, later “Qualified”"
        )
        # Known twice at the same time: one answer.
        page.get_by_label("Then known at").fill("2026-03-17T12:00")
        page.get_by_role("button", name="Compare").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("SOP-101: “Superseded” both times")
        expect(page.get_by_text("Both answers rest on the same records.")).to_be_visible()
        expect(page.locator(".changed")).to_have_count(0)
        # The order of the two is asked for before the question is sent.
        page.get_by_label("First known at").fill("2026-03-18T12:00")
        expect(page.get_by_text("The first time must be earlier than the second.")).to_be_visible()
        axe_finds_nothing(page)


def counted(link: Locator) -> tuple[str, int]:
    """The name and the number that a figure says of itself."""
    said = re.fullmatch(r"(?:\w+, )?(.+): (\d+) rows?", link.get_attribute("aria-label") or "")
    assert said is not None
    assert link.inner_text() == said[2]
    return said[1], int(said[2])


def rows_behind(page: Page, figures: Locator) -> dict[str, int]:
    """Follows every figure; the rows there are as many as it says."""
    found: dict[str, int] = {}
    for number in range(figures.count()):
        link = figures.nth(number)
        name, count = counted(link)
        link.click()
        expect(page.get_by_text(f"{name} {count} row")).to_be_visible()
        expect(page.get_by_role("table").locator("tbody tr")).to_have_count(count)
        found[name] = count
        page.go_back()
        expect(figures.nth(number)).to_be_visible()
    return found


@pytest.mark.part("RP-01", "every figure leads to as many rows as it says")
@pytest.mark.part("RP-17", "every figure leads to as many rows as it says")
@pytest.mark.part("SR-21", "axe finds nothing on the compliance page and its rows")
def test_every_figure_leads_to_as_many_rows_as_it_says(platform: Platform) -> None:
    with sound_page_of(platform, "auditor") as page:
        page.goto(f"{platform.base}/compliance?{THEN}")
        expect(page.get_by_role("banner")).to_contain_text("As of 17 Mar 2026 11:00 UTC, as known then")
        sums = page.locator(".sums").get_by_role("link", name=re.compile(r"\d+ rows?$"))
        expect(sums.first).to_be_visible()
        shoot(page, SHOTS, "compliance-figures")
        axe_finds_nothing(page)
        # BEN and FAY had been superseded since the day before; CHI is on leave.
        assert (
            rows_behind(page, sums).items()
            >= {
                "In place": 3,
                "Not in place": 2,
                "Required": 5,
                "Overdue": 2,
                "On leave": 1,
            }.items()
        )
        line = page.get_by_role("row").filter(has=page.get_by_role("link", name="OPR Filling operator"))
        in_line = line.get_by_role("link", name=re.compile(r"^OPR, .*\d+ rows?$"))
        expect(in_line.first).to_be_visible()
        assert rows_behind(page, in_line).items() >= {"Required": 5, "Not in place": 2, "Overdue": 2}.items()
        # The rows of a figure, by the keyboard alone: the figure, the list, the person.
        overdue = page.locator(".sums").get_by_role("link", name=re.compile("^Overdue"))
        tab_to(page, overdue)
        page.keyboard.press("Enter")
        expect(page.get_by_role("table").locator("tbody tr")).to_have_count(2)
        axe_finds_nothing(page)
        shoot(page, SHOTS, "compliance-overdue")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/people/BEN\?"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Ben Okafor")


@pytest.mark.part("RP-01", "the grid leads to the person by mouse and by keyboard")
@pytest.mark.part("RP-03", "the grid leads to the person by mouse and by keyboard")
@pytest.mark.part("SR-21", "the grid leads to the person by mouse and by keyboard")
def test_the_grid_leads_to_the_person_by_mouse_and_by_keyboard(platform: Platform) -> None:
    with sound_page_of(platform, "sam") as page:
        page.goto(f"{platform.base}/compliance?job_function=OPR&{THEN}")
        # Whose role is for one site sees the moment by its clock; who looks at every site, in UTC.
        expect(page.get_by_role("banner")).to_contain_text("As of 17 Mar 2026 12:00 NL1, as known then")
        grid = page.get_by_role("table")
        ben = grid.get_by_role("row").filter(has_text="Ben Okafor")
        mark = ben.get_by_role("button", name="SOP-101: Superseded")
        expect(mark).to_be_visible()
        shoot(page, SHOTS, "compliance-grid-then")
        # By the keyboard: the person's row, its mark, what the mark says, and back to where one was.
        page.keyboard.press("j")
        expect(grid.get_by_role("link", name="Ana Vermeer")).to_be_focused()
        page.keyboard.press("j")
        expect(ben.get_by_role("link", name="Ben Okafor")).to_be_focused()
        page.keyboard.press("Tab")
        expect(mark).to_be_focused()
        page.keyboard.press("Enter")
        said = page.get_by_role("dialog")
        expect(said.get_by_text("May not do the work")).to_be_visible()
        expect(said.get_by_role("link", name="As known then and now")).to_be_visible()
        axe_finds_nothing(page)
        page.screenshot(path=SHOTS / "compliance-mark.png")
        page.keyboard.press("Escape")
        expect(said).to_be_hidden()
        expect(mark).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/people/BEN\?"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Ben Okafor")
        page.go_back()
        grid.get_by_role("link", name="Ana Vermeer").click()
        page.wait_for_url(re.compile(r"/people/ANA\?"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Ana Vermeer")
        # A list that cannot go back does not pass for the answer of then.
        page.get_by_role("tab", name="Records").click()
        expect(page.get_by_text("This list does not go back in time")).to_be_visible()
        page.goto(f"{platform.base}/documents/SOP-101?{THEN}")
        expect(page.get_by_text("This page does not go back in time")).to_be_visible()
        axe_finds_nothing(page)


@pytest.mark.part("SR-21", "axe finds nothing off the way")
@pytest.mark.parametrize(
    ("username", "path", "text"),
    [
        ("ana", "/password", "Change your password"),
        ("ana", "/no/such/page", "There is no such page"),
        ("auditor", "/health", "Your role does not include this"),
        ("ana", "/records/no-such-record", "Not found"),
        ("auditor", "/people/BEN/differences/SOP-101", "SOP-101: compare what was known at two times"),
    ],
)
def test_axe_finds_nothing_off_the_way(platform: Platform, username: str, path: str, text: str) -> None:
    with sound_page_of(platform, username) as page:
        page.goto(platform.base + path)
        expect(page.get_by_role("heading", level=1)).to_have_text(text)
        assert broken_rules(page) == []
        shoot(page, SHOTS, re.sub("[^a-z]+", "-", text.lower()).strip("-"))


def in_dialog(page: Page, title: str, name: str) -> None:
    """The dialog has come, axe finds nothing in it, and Escape closes it."""
    dialog = page.get_by_role("dialog", name=title)
    expect(dialog).to_be_visible()
    assert broken_rules(page) == [], title
    shoot(page, SHOTS, name)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.part("SR-21", "axe finds nothing in the dialogs of a version")
def test_axe_finds_nothing_in_the_dialogs_of_a_version(platform: Platform) -> None:
    with sound_page_of(platform, "eva") as page:
        page.goto(f"{platform.base}/documents/SOP-101")
        fourth = page.locator(".version-item").filter(has=page.get_by_role("heading", name="v4"))
        fourth.get_by_role("button", name="Move the date").press("Enter")
        in_dialog(page, "Move when SOP-101 v4 takes effect", "dialog-move-date")
        fourth.get_by_role("button", name="Withdraw").press("Enter")
        in_dialog(page, "Withdraw SOP-101 v4", "dialog-withdraw")


@pytest.mark.part("SR-21", "axe finds nothing in the dialogs of an account")
def test_axe_finds_nothing_in_the_dialogs_of_an_account(platform: Platform) -> None:
    with sound_page_of(platform, platform.user("admin").me["username"]) as page:
        page.goto(f"{platform.base}/access")
        page.get_by_role("button", name="New account").press("Enter")
        in_dialog(page, "New account", "dialog-new-account")
        change = page.get_by_role("button", name="Change the account ben")
        change.press("Enter")
        page.get_by_role("menuitem", name="Grant a role").press("Enter")
        in_dialog(page, "Grant a role to ben", "dialog-grant")
        change.press("Enter")
        page.get_by_role("menuitem", name="Give a one-time password").press("Enter")
        in_dialog(page, "Give a one-time password: ben", "dialog-password")
