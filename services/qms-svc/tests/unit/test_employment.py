from datetime import UTC, datetime

import pytest
from qms_svc.domain.employment import has_left

NOW = datetime(2026, 3, 20, 11, tzinfo=UTC)


@pytest.mark.req("C-02")
@pytest.mark.parametrize(
    ("spells", "left"),
    [
        ([], False),
        ([{"from": "2020-01-01", "to": None}], False),
        ([{"from": "2020-01-01", "to": "2026-03-21"}], False),
        ([{"from": "2020-01-01", "to": "2026-03-20"}], False),
        ([{"from": "2020-01-01", "to": "2026-03-19"}], True),
        ([{"from": "2020-01-01", "to": "2021-01-01"}, {"from": "2026-01-01"}], False),
    ],
)
def test_somebody_has_left_when_every_spell_is_over_everywhere(spells: list[dict], left: bool) -> None:
    assert has_left(spells, NOW) is left
