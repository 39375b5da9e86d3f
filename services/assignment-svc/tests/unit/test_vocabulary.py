"""The closed lists of the domain are those of the contracts."""

from enum import StrEnum

import pytest
from assignment_svc.domain import vocabulary as ours
from attest_contracts import enums as contracts

NAMES = (
    "Method",
    "Status",
    "Verdict",
    "TrainingDecision",
    "SourceClass",
    "Trigger",
    "AssignmentState",
    "ClosingReason",
    "Flag",
)


def words(enum: type[StrEnum]) -> set[str]:
    return {member.value for member in enum}


@pytest.mark.part("C-03", "engine and contracts know the same words")
@pytest.mark.part("C-04", "engine and contracts know the same words")
@pytest.mark.part("C-25", "engine and contracts know the same words")
@pytest.mark.part("AE-05", "engine and contracts know the same words")
@pytest.mark.parametrize("name", NAMES)
def test_same_words(name: str) -> None:
    assert words(getattr(ours, name)) == words(getattr(contracts, name))


@pytest.mark.part("C-03", "every status has a verdict, in the order of precedence")
def test_every_status_has_a_verdict_and_they_stand_by_precedence() -> None:
    assert set(ours.VERDICT_OF) == set(ours.Status)
    assert [status.value for status in ours.Status] == [status.value for status in contracts.Status]


@pytest.mark.part("C-24", "ties between triggers follow the list")
def test_ties_between_triggers_follow_the_list() -> None:
    order = (
        "CAPA DEVIATION AUDIT_FINDING MOC STUDY_AMENDMENT REVISION NEW_HIRE ROLE_CHANGE RETURN_FROM_LEAVE "
        "MATRIX_CHANGE MATRIX_ENROLMENT RECURRENCE SELF MANUAL"
    )
    assert sorted(ours.Trigger, key=ours.TRIGGER_RANK.__getitem__) == order.split()
