"""Every page of the story's users: it opens, says what it should, and axe finds nothing (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from playwright.sync_api import expect
from servicekit.testing import eventually_sync

from tests.e2e.api import Api
from tests.e2e.conftest import Platform
from tests.e2e.pages import (
    SHOTS,
    axe_finds_nothing,
    broken_rules,
    choose,
    done,
    leave_by_the_keyboard,
    opened,
    page_of,
    roles_over_time,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("journeys"),
]

# After the story: every page has something to say. User -> address -> what must stand there.
PAGES = {
    "ana": {"/": "You may run", "/read/SOP-101/4": "SOP-101", "/records/{record}": "Ana Vermeer"},
    "coordinator": {
        "/compliance": "OPR",
        "/compliance?view=list&job_function=OPR": "Ana Vermeer",
        "/people": "Ana Vermeer",
        "/people/ANA": "Ana Vermeer",
        "/people/BEN?tab=records": "SOP-101",
        "/people/new": "Given name",
        "/documents": "SOP-101",
        "/documents/SOP-101": "Aseptic filling",
        "/changes": "CC-7",
        "/changes/CC-7": "Isolator pressure",
        "/import": "Written",
        "/import/{job}": "people.csv",
        "/health": "assignment",
        "/about": "Time zone data",
    },
    "sam": {"/people/BEN/late-entry": "Time on the paper"},
    "admin": {"/access": "ana"},
}


@pytest.mark.part("SR-21", "axe finds nothing on the main pages")
@pytest.mark.parametrize("username", PAGES)
def test_pages_say_what_they_should_and_axe_finds_nothing(platform: Platform, username: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    with page_of(platform.base, platform.user(username).me["username"]) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        for pattern, text in PAGES[username].items():
            path = pattern.format(**platform.memory)
            page.goto(platform.base + path)
            expect(page.locator("main").get_by_text(text).first).to_be_visible()
            # A clock that was moved is announced wherever a time could be read.
            expect(page.get_by_role("banner").get_by_text("Demo clock")).to_be_visible()
            page.wait_for_load_state("networkidle")
            page.screenshot(
                path=SHOTS / f"{re.sub('[^a-z0-9]+', '-', path.lower()).strip('-') or 'home'}.png"
            )
            if broken := broken_rules(page):
                found[path] = broken
    assert found == {}
    assert errors == []


@pytest.mark.part("SR-21", "axe finds nothing on the log in")
def test_axe_finds_nothing_on_the_log_in(platform: Platform) -> None:
    with page_of(platform.base, "ana") as page:
        page.context.clear_cookies()
        page.goto(f"{platform.base}/login")
        expect(page.get_by_label("User name")).to_be_visible()
        expect(page.get_by_text("Demo clock")).to_be_visible()
        assert broken_rules(page) == []


def test_control_axe_finds_a_picture_without_a_text(platform: Platform) -> None:
    """On the page of the log-in, which is the same whatever was done before."""
    with page_of(platform.base, "ana") as page:
        page.context.clear_cookies()
        page.goto(f"{platform.base}/login")
        expect(page.get_by_label("User name")).to_be_visible()
        page.evaluate("document.querySelector('form').append(document.createElement('img'))")
        eventually_sync(lambda: broken_rules(page, patience=0.1) == ["image-alt: 1"], deadline=30)


def test_the_import_page_shows_the_rows_of_every_file(platform: Platform) -> None:
    """For each file: rows = taken + refused + identical, as the page says it."""
    job = platform.user("coordinator").get(f"/api/imports/{platform.memory['job']}")
    with page_of(platform.base, "coordinator") as page:
        page.goto(f"{platform.base}/import/{platform.memory['job']}")
        for file in job["files"]:
            row = page.get_by_role("row").filter(has_text=file["file"]).first
            expect(row).to_be_visible()
            cells = row.get_by_role("cell").all_inner_texts()
            numbers = [int(cell.replace(",", "")) for cell in cells if cell.replace(",", "").isdigit()]
            assert numbers[0] == file["rows"] == file["taken"] + file["refused"] + file["identical"]
            assert file["taken"] in numbers[1:]


HAN = {
    "person": "HAN",
    "given_name": "Hanneke",
    "family_name": "Dijkgraaf",
    "site": "NL1",
    "department": "Production",
    "area": "GA",
    "job_function": "OPR",
    "shift": "D",
    "supervisor": "SAM",
    "hired_on": "2026-03-02",
    "reason": "replaces a leaver",
}
ON_LEAVE_THEN = "2026-03-12T12:00:00+01:00"


def status(api: Api, at: str, **known: str) -> str | None:
    """HAN's cell of SOP-101; None: not known yet."""
    items = api.get("/api/qualification/cells", person="HAN", item="SOP-101", at=at, **known)["items"]
    return items[0]["status"] if items else None


def closed(api: Api) -> set[str | None]:
    """Why HAN's assignments are closed; None: one is open."""
    return {row["closing_reason"] for row in api.get("/api/assignments", person="HAN")["items"]}


@pytest.mark.part("AE-02", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("AE-10", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("AE-11", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("R-13", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("R-14", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("R-33", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("RP-04", "a person is moved, is away, leaves and is hired again, each in its dialog")
@pytest.mark.part("SR-21", "axe finds nothing in the dialogs of a person")
def test_a_person_is_moved_is_away_leaves_and_is_hired_again(platform: Platform) -> None:
    """HAN, on 21 March 2026, after the story: each act in its dialog, and what follows from it."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    api = platform.user("coordinator")
    api.post("/api/people", HAN, expect=201)
    eventually_sync(lambda: status(api, ON_LEAVE_THEN) == "NEVER_TRAINED", deadline=30)
    known_then = api.get("/api/qualification/cells", person="HAN", item="SOP-101")["known_at"]
    with page_of(platform.base, "coordinator") as page:
        page.goto(f"{platform.base}/people/HAN")
        main = page.locator("main")
        expect(main.get_by_text("Employed").first).to_be_visible()

        dialog = opened(page, "Move to another function", SHOTS / "person-move.png")
        choose(page, "New function", "QCA")
        dialog.get_by_label("From").fill("2026-03-23")
        done(dialog, "Move Hanneke Dijkgraaf to QCA", "the laboratory needs her")
        moved = [row for row in roles_over_time(page, "QCA") if row[0] == "Job function"]
        assert [row[1] for row in moved] == ["OPR", "QCA"]
        assert "23 Mar 2026" in moved[0][3]

        leave_by_the_keyboard(page, "03032026", "04042026", SHOTS / "person-leave.png")
        expect(main.get_by_text("On leave").first).to_be_visible()
        eventually_sync(lambda: status(api, ON_LEAVE_THEN) == "SUSPENDED", deadline=30)

        dialog = opened(page, "End employment", SHOTS / "person-end.png")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert api.get("/api/people/HAN")["employments"][0]["to"] is None
        dialog = opened(page, "End employment", SHOTS / "person-end.png")
        dialog.get_by_label("First day without employment").fill("2026-03-01")
        dialog.get_by_label("Reason").fill("moves away")
        dialog.get_by_role("button", name="End the employment of Hanneke Dijkgraaf").click()
        expect(dialog.get_by_text("2026-03-01 is before 2026-03-02").first).to_be_visible()
        axe_finds_nothing(page)
        page.screenshot(path=SHOTS / "person-end-refused.png")
        dialog.get_by_label("First day without employment").fill("2026-03-21")
        done(dialog, "End the employment of Hanneke Dijkgraaf", "moves away")
        expect(main.get_by_text("Left", exact=True).first).to_be_visible()
        expect(main.get_by_text("back on")).to_be_hidden()
        eventually_sync(lambda: "SEPARATED" in closed(api) and None not in closed(api), deadline=30)

        dialog = opened(page, "Rehire", SHOTS / "person-rehire.png")
        dialog.get_by_label("First day").fill("2026-04-01")
        choose(page, "Job function", "OPR")
        choose(page, "Shift", "N ")
        area = (
            dialog.get_by_role("combobox", name="Area").or_(dialog.get_by_role("textbox", name="Area")).first
        )
        expect(area).to_have_value(re.compile("GA"))
        # What is chosen again is taken away, and chosen once more it is there.
        for value in ("", re.compile("GA")):
            choose(page, "Area", "GA")
            expect(area).to_have_value(value)
        page.screenshot(path=SHOTS / "person-rehire-filled.png")
        axe_finds_nothing(page)
        done(dialog, "Rehire Hanneke Dijkgraaf", "comes back")
        expect(main.get_by_text("Not started yet").first).to_be_visible()
        roles = roles_over_time(page, "1 Apr 2026")
        page.screenshot(path=SHOTS / "person-rehired.png", full_page=True)
        axe_finds_nothing(page)
    days = [(kind, what, first[:6], last[:6]) for kind, what, first, last in roles]
    assert [row for row in days if row[0] != "Workplace"] == [
        ("Employment", "Employed", "2 Mar ", "21 Mar"),
        ("Employment", "Employed", "1 Apr ", "no end"),
        ("Job function", "OPR", "2 Mar ", "21 Mar"),
        ("Job function", "OPR", "1 Apr ", "no end"),
        ("Shift", "D", "2 Mar ", "21 Mar"),
        ("Shift", "N", "1 Apr ", "no end"),
        ("Leave", "Medical", "3 Mar ", "21 Mar"),
    ]
    assert [row[1] for row in days if row[0] == "Workplace"] == ["NL1 Production GA"] * 2
    owed = api.get("/api/people/HAN/obligations")["items"]
    spans = [(o["item"], s["trigger"], s["spell_from"], s["valid_to"]) for o in owed for s in o["spans"]]
    assert spans == [
        ("SOP-101", "NEW_HIRE", "2026-03-02", "2026-03-20T23:00:00Z"),
        ("SOP-101", "NEW_HIRE", "2026-04-01", None),
    ]
    eventually_sync(lambda: status(api, "2026-04-02T12:00:00+02:00") == "NEVER_TRAINED", deadline=30)
    assert status(api, "2026-03-25T12:00:00+01:00") == "NOT_REQUIRED"

    eventually_sync(lambda: None in closed(api), deadline=30)

    # The leave was keyed late: as known before it, she could have been at work (R-13, RP-04).
    def final() -> bool:
        asked = {"person": "HAN", "item": "SOP-101", "known_at": known_then}
        complete = api.get("/api/qualification/cells", **asked)["complete_up_to"]
        return complete is not None and datetime.fromisoformat(complete) > datetime.fromisoformat(known_then)

    eventually_sync(final, deadline=60)
    assert status(api, ON_LEAVE_THEN, known_at=known_then) == "NEVER_TRAINED"
    assert status(api, ON_LEAVE_THEN) == "SUSPENDED"
