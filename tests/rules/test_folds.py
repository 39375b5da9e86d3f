"""Each fold receives the model of the topic that it is listed under. The table `INBOUND` is a dict, so that no type
checker compares the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, get_args, get_type_hints

import pytest
from assignment_svc.registry import SOURCES
from attest_contracts import topics
from attest_contracts.models import matrix_person_v2, qms_document
from attest_contracts.reading import model_of
from reporting_svc.projections.fold import BITEMPORAL
from servicekit.bus import Event, Subscription

SERVICES = ("assignment", "gateway", "matrix", "qms", "records", "reporting")


def listed() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Service, topic and what takes its events: a fold, or a function that makes the rows of one event."""
    for service in SERVICES:
        for topic, fold in import_module(f"{service}_svc.inbound").INBOUND.items():
            yield service, topic, fold.fold if isinstance(fold, Subscription) else fold
    # The engine calls several folds for one topic; each says for itself what it receives.
    for source in SOURCES.values():
        for topic, fold in source.folds.items():
            yield "assignment", topic, fold
    for topic, projections in BITEMPORAL.items():
        for projection in projections:
            yield "reporting", topic, projection.rows


def state_of(function: Callable[..., Any]) -> type | None:
    """The model in the annotation `Event[State]` or `Sequence[Event[State]]`; None where the events have no model,
    as in a fold that hands every event on."""
    for hint in get_type_hints(function).values():
        for part in (hint, *get_args(hint)):
            if getattr(part, "__origin__", None) is Event:
                return get_args(part)[0]
    return None


TYPED = [(service, topic, fold) for service, topic, fold in listed() if state_of(fold) is not None]


@pytest.mark.parametrize(("service", "topic", "fold"), TYPED, ids=[f"{s} {t}" for s, t, _ in TYPED])
def test_a_fold_receives_the_model_of_its_topic(service: str, topic: str, fold: Callable[..., Any]) -> None:
    data = model_of(topics.load()[topic].schema)
    assert state_of(fold) is data.model_fields["state"].annotation


def test_every_service_has_typed_folds_and_contracts() -> None:
    assert {service for service, _, _ in TYPED} == set(SERVICES)
    for service in SERVICES:
        assert import_module(f"{service}_svc.main").SPEC.contracts is not None


def test_control_the_model_of_another_topic_is_found() -> None:
    def fold(event: Event[matrix_person_v2.State]) -> None: ...

    # Annotations of local functions are read where the module's names are known.
    assert state_of(fold) is matrix_person_v2.State
    assert state_of(fold) is not qms_document.State
