"""Journeys in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from servicekit.testing import eventually_sync

from tests.e2e.api import PASSWORD, Api
from tests.e2e.browser import BROWSER

DESKTOP = {"width": 1440, "height": 900}
TABLET = {"width": 1024, "height": 768}
SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
"""To be looked at: build/screenshots."""
_PATIENCE_MS = 30_000
"""A page waits this long on a machine that runs other tests beside it; how fast it is, `make bench` says."""

expect.set_options(timeout=_PATIENCE_MS)


_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


_FADED_IN_S = 10.0
_STEPS = 80
"""A place that takes more presses of a key is not reached by keyboard."""


def broken_rules(page: Page, patience: float = _FADED_IN_S) -> list[str]:
    """What axe finds on the page (WCAG 2.2 AA): rule and number of places.

    It is asked again for a while: what is still fading in has less contrast than it will have. A page that never comes
    to rest was not looked at, and that is a finding.
    """
    found = ["the page does not come to rest"]

    def nothing() -> bool:
        assert page.evaluate("() => document.getAnimations().every((one) => one.playState !== 'running')")
        broken = Axe().run(page, options=_RULES).response["violations"]
        found[:] = [f"{rule['id']}: {len(rule['nodes'])}" for rule in broken]
        return not found

    # What is found at the end of the time is the answer.
    with suppress(TimeoutError, AssertionError):
        eventually_sync(nothing, deadline=patience, every=0.5)
    return found


def axe_finds_nothing(page: Page) -> None:
    broken = broken_rules(page)
    assert not broken, f"{page.url}: {broken}"


@contextmanager
def page_of(base: str, username: str, *, tablet: bool = False, keyboard: bool = False) -> Iterator[Page]:
    """A logged-in page. keyboard: the person logs in on the page, by the keyboard alone; else the page gets the
    session of a log-in by the API."""
    context = BROWSER.running().new_context(viewport=TABLET if tablet else DESKTOP, locale="en-GB")  # pyright: ignore[reportArgumentType]
    with closing(context):
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        if keyboard:
            _log_in_by_the_keyboard(page, base, username)
        else:
            with Api(base).log_in(username, PASSWORD) as api:
                context.add_cookies(
                    [{"name": n, "value": v, "url": base} for n, v in api.http.cookies.items()]
                )
        yield page


def _log_in_by_the_keyboard(page: Page, base: str, username: str) -> None:
    page.goto(f"{base}/login")
    page.get_by_label("User name").focus()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^(?!.*/login)"))


def read_in_the_browser(base: str, username: str, shots: Path) -> None:
    """An operator on a tablet: opens the assignment, reads every section, signs with the password."""
    with page_of(base, username, tablet=True, keyboard=True) as page:
        page.goto(f"{base}/")
        expect(page.get_by_text("SOP-101").first).to_be_visible()
        page.screenshot(path=shots / "my-training.png")
        page.goto(f"{base}/read/SOP-101/4")
        sign = page.get_by_role("button", name=re.compile(r"^Sign: I have read and understood SOP-101"))
        expect(sign).to_be_visible()
        expect(sign).to_be_disabled()
        axe_finds_nothing(page)
        # By the keyboard alone (SR-21).
        following = page.get_by_role("button", name="Next section")
        while following.is_visible():
            following.press("Enter")
        expect(sign).to_be_enabled()
        sign.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(re.compile("SOP-101")).first).to_be_visible()
        axe_finds_nothing(page)
        dialog.get_by_label("Your password").focus()
        page.keyboard.type(PASSWORD)
        page.screenshot(path=shots / "sign.png")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Signed. Your training record is saved.")).to_be_visible()
        axe_finds_nothing(page)
        page.screenshot(path=shots / "receipt.png")


def hire_on_the_page(base: str, username: str, shots: Path) -> None:
    """A coordinator fills the form in; Devi Rao, DEV, starts as an operator on 10 March 2026 (AE-01)."""
    with page_of(base, username) as page:
        page.goto(f"{base}/people/new")
        for label, value in (("Given name", "Devi"), ("Family name", "Rao"), ("Person number", "DEV")):
            page.get_by_label(label).fill(value)
        page.get_by_label("First day").fill("2026-03-10")
        choose(page, "Job function", "OPR")
        choose(page, "Site", "NL1")
        choose(page, "Shift", "D ")
        choose(page, "Supervisor", "SAM")
        page.get_by_label("Reason").fill("replaces a leaver")
        page.screenshot(path=shots / "hire.png")
        page.get_by_role("button", name="Hire Devi Rao").click()
        page.wait_for_url(f"{base}/people/DEV")
        expect(page.get_by_role("heading", name="Devi Rao")).to_be_visible()


def shoot(page: Page, shots: Path, name: str) -> None:
    """The page as it is, on the desktop and on the tablet."""
    for suffix, size in (("-tablet", TABLET), ("", DESKTOP)):
        page.set_viewport_size(size)  # pyright: ignore[reportArgumentType]
        page.screenshot(path=shots / f"{name}{suffix}.png")


def tab_to(page: Page, target: Locator) -> None:
    """Goes to the place by the Tab key, as somebody without a mouse does."""
    for _ in range(_STEPS):
        if target.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target}: not reached in {_STEPS} steps")


def choose(page: Page, label: str, text: str) -> None:
    """Picks the option that has the text from a list that can be searched."""
    field = page.get_by_role("combobox", name=label).or_(page.get_by_role("textbox", name=label)).first
    field.click()
    option = page.get_by_role("option").filter(has_text=text).first
    option.click()


def draft_on_the_page(
    base: str, username: str, change: str, file: Path, effective: Mapping[str, str], shots: Path
) -> None:
    """An author drafts a change control with the next version of SOP-101: its file, the decision on training, and from
    which day it governs at each site (QM-03)."""
    with page_of(base, username) as page:
        page.goto(f"{base}/changes")
        page.get_by_role("button", name="Draft a change").click()
        dialog = page.get_by_role("dialog")
        for label, text in (
            ("Title", "Isolator pressure"),
            ("Number", change),
            ("Reason", "CAPA of last year"),
        ):
            dialog.get_by_label(label).first.fill(text)
        axe_finds_nothing(page)
        dialog.get_by_role("button", name="Draft the change").click()
        page.wait_for_url(f"{base}/changes/{change}")
        page.get_by_role("button", name="Add a version").click()
        form = page.locator("form.version-form")
        add = form.get_by_role("button", name="Add this version")
        expect(add).to_be_disabled()
        choose(page, "Document", "SOP-101")
        form.locator("input[type=file]").set_input_files(file)
        choose(page, "Class of change", "Major")
        choose(page, "Training decision", "Read")
        for number, (site, day) in enumerate(effective.items()):
            if number:
                form.get_by_role("button", name="Another site").click()
            form.get_by_label("Site").locator("visible=true").nth(number).click()
            page.get_by_role("option").filter(has_text=site).locator("visible=true").first.click()
            form.get_by_label("From the start of").nth(number).fill(day)
        form.get_by_label("What changed").fill("Check the isolator pressure every 30 minutes")
        form.get_by_label("Minutes to read").fill("20")
        form.get_by_label("Reason").fill("revision")
        axe_finds_nothing(page)
        shoot(page, shots, "draft-version")
        add.click()
        expect(form).to_be_hidden()
        expect(page.get_by_text("v4").first).to_be_visible()


def approve_on_the_page(base: str, username: str, change: str, shots: Path) -> None:
    """Quality signs what the author has submitted (PL-06)."""
    with page_of(base, username) as page:
        page.goto(f"{base}/changes/{change}")
        page.get_by_role("button", name=f"Approve {change}").click()
        sign(page, shots / "approve.png")
        expect(page.get_by_role("button", name=f"Approve {change}")).to_be_hidden()


def sign(page: Page, shot: Path) -> None:
    """Re-authenticates in the dialog that shows what is signed (21 CFR 11.200), and signs."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your password").fill(PASSWORD)
    page.screenshot(path=shot)
    dialog.get_by_role("button", name=re.compile(r"^Sign")).click()
    expect(dialog).to_be_hidden()


def enter_late_on_the_page(base: str, username: str, scan: Path, shots: Path) -> None:
    """A supervisor keys BEN's paper record of SOP-101 v4, signed in ink on 14 March 2026 at 10:00 (R-18)."""
    with page_of(base, username) as page:
        page.goto(f"{base}/people/BEN/late-entry")
        choose(page, "Document", "SOP-101")
        expect(
            page.get_by_role("combobox", name="Version").or_(page.get_by_label("Version")).first
        ).to_have_value("v4")
        page.get_by_label("Day of the ink signature").fill("2026-03-14")
        page.get_by_label("Time on the paper").fill("10:00")
        page.locator("input[type=file]").set_input_files(scan)
        page.get_by_label("Why it is entered late").fill("the network was down in the gowning room")
        page.screenshot(path=shots / "late-entry.png")
        page.get_by_role("button", name="Enter it for a second person to check").click()
        page.wait_for_url(re.compile(r"/people/BEN\?tab=records"))


def check_late_on_the_page(base: str, username: str, shots: Path) -> None:
    """Somebody else opens the scan and signs that what was keyed is what it shows."""
    with page_of(base, username) as page:
        page.goto(f"{base}/people/BEN?tab=records")
        check = page.get_by_role("button", name="Check and sign")
        expect(check).to_be_disabled()
        with page.context.expect_page():
            page.get_by_role("link", name="Open the scan").click()
        check.click()
        sign(page, shots / "late-check.png")
        expect(check).to_be_hidden()


def opened(page: Page, act: str, shot: Path) -> Locator:
    """The dialog of an act on the page of a person; axe finds nothing on it."""
    page.get_by_role("button", name="Record a change").click()
    page.get_by_role("menuitem", name=act, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    axe_finds_nothing(page)
    page.screenshot(path=shot)
    return dialog


def done(dialog: Locator, act: str, reason: str) -> None:
    """Gives the reason and does it; the dialog closes when it was done."""
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=act, exact=True).click()
    expect(dialog).to_be_hidden()


def leave_by_the_keyboard(page: Page, first_away: str, first_back: str, shot: Path) -> None:
    """Records a leave without a mouse, from opening to done (SR-21). A browser asks for the day or for the month
    first, as its own language has it: days such as 03032026 are the same for all."""
    menu = page.get_by_role("button", name="Record a change")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Record leave")).to_be_visible()
    item = page.get_by_role("menuitem", name="Record leave")
    for _ in range(5):
        if item.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    expect(item).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    axe_finds_nothing(page)
    # The focus is inside: Tab does not wander over the page behind.
    assert dialog.evaluate("element => element.contains(document.activeElement)")
    for label, day in (("First day away", first_away), ("First day back", first_back)):
        tab_to(page, dialog.get_by_label(label))
        page.keyboard.type(day)
    tab_to(page, dialog.get_by_label("Reason"))
    page.keyboard.type("HR told us late")
    act = dialog.get_by_role("button", name="Record the leave")
    expect(act).to_be_enabled()
    page.screenshot(path=shot)
    tab_to(page, act)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    # Whoever works by the keyboard goes on where they were, not at the top of the page.
    expect(menu).to_be_focused()


def roles_over_time(page: Page, showing: str) -> list[list[str]]:
    """The rows of the table, once it shows a text: kind, what, from, first day without."""
    page.get_by_role("tab", name="Roles over time").click()
    table = page.get_by_role("table", name="Roles over time")
    expect(table.get_by_text(showing).first).to_be_visible()
    rows = table.locator("tbody tr").all()
    return [row.locator("th, td").all_inner_texts()[:4] for row in rows]
