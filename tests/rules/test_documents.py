"""What the documents name exists: metrics of the service levels, and every page that a page links to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("contracts/*.md")]


@pytest.mark.req("PL-31")
def test_the_service_levels_speak_of_metrics_that_are_measured() -> None:
    named = set(re.findall(r"`((?:bus|lanes)_\w+)`", (ROOT / "docs/runbooks/service-levels.md").read_text()))
    health = (ROOT / "libs/servicekit/src/servicekit/health.py").read_text()
    assert len(named) > 5
    assert named <= set(re.findall(r'"((?:bus|lanes)_\w+)"', health))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
