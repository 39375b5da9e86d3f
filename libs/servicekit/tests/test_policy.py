from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servicekit.http.caller import Caller, Grant
from servicekit.policy import REACHES, Policy, PolicyError
from servicekit.problems import Problem
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

SITES = ["NL1", "US1"]
AREAS = ["GA", "GC"]
SUBJECTS = ["A", "B", "C"]
units = Table(
    "units",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("site", String),
    Column("area", String),
    Column("owner", String),
    Column("boss", String),
)
policy = Policy({reach: {"unit.read": reach} for reach in REACHES} | {"idle": {}})


def caller(*grants: Grant, subject: str | None = "A") -> Caller:
    return Caller("account/1", grants, subject)


def test_without_a_grant_nothing_is_allowed() -> None:
    assert not policy.may(caller(Grant("idle")), "unit.read")
    with pytest.raises(Problem) as refused:
        policy.require(caller(Grant("idle")), "unit.read")
    assert refused.value.status == 403


def test_what_is_out_of_scope_is_not_told_to_exist() -> None:
    with pytest.raises(Problem) as refused:
        policy.require(caller(Grant("site", {"site": "NL1"})), "unit.read", {"site": "US1"})
    assert refused.value.status == 404


def test_a_scope_that_the_resource_does_not_state_is_not_met() -> None:
    assert not policy.decide(caller(Grant("site", {"site": "NL1"})), "unit.read", {}).allowed


@pytest.mark.parametrize(
    ("reach", "scope", "resource", "allowed"),
    [
        ("all", {"site": "NL1"}, {}, True),
        ("site", {}, {"site": "US1"}, True),
        ("site", {"site": "NL1"}, {"site": "US1"}, False),
        ("site", {"site": "NL1", "area": "GA"}, {"site": "NL1", "area": "GC"}, True),
        ("area", {"site": "NL1", "area": "GA"}, {"site": "NL1", "area": "GC"}, False),
        ("area", {"site": "NL1", "area": "GA"}, {"site": "NL1", "area": "GA"}, True),
        ("site", {"site": "NL1", "trade": "OPR"}, {"site": "NL1", "trade": "QCA"}, False),
        ("team", {"trade": "OPR"}, {"team": "A", "trade": "QCA"}, False),
        ("site", {"trade": "OPR"}, {"site": "NL1", "trade": ("QCA", "OPR")}, True),
        ("site", {"trade": "OPR"}, {"site": "NL1", "trade": ["QCA"]}, False),
        ("site", {"trade": "OP"}, {"site": "NL1", "trade": "OPR"}, False),
        ("site", {"trade": "OPR"}, {"site": "NL1"}, False),
        ("team", {"site": "NL1"}, {"team": "A"}, True),
        ("own", {"site": "NL1"}, {"own": "A"}, True),
        ("own", {}, {"own": "B"}, False),
    ],
)
def test_reach_by_reach(
    reach: str, scope: dict[str, str], resource: dict[str, str], *, allowed: bool
) -> None:
    assert policy.decide(caller(Grant(reach, scope)), "unit.read", resource).allowed is allowed


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        (Grant("site", {"site": "NL1"}), "site"),
        (Grant("area", {"site": "NL1", "area": "GA"}), "area"),
        (Grant("site", {"trade": "OPR"}), "trade"),
        (Grant("own"), "own"),
        (Grant("team", {"trade": "OPR"}), "team"),
    ],
)
def test_a_list_without_a_column_that_a_grant_needs_is_an_error(held: Grant, missing: str) -> None:
    every = {"site": units.c.site, "area": units.c.area, "own": units.c.owner, "team": units.c.boss}
    columns = {key: column for key, column in {**every, "trade": units.c.area}.items() if key != missing}
    policy.filter(caller(held), "unit.read", columns | {missing: units.c.site})
    with pytest.raises(PolicyError, match=missing):
        policy.filter(caller(held), "unit.read", columns)


def test_a_column_that_no_grant_needs_may_be_missing() -> None:
    policy.filter(caller(Grant("site"), Grant("all"), Grant("idle", {"site": "NL1"})), "unit.read", {})


def test_an_unknown_reach_is_no_policy() -> None:
    with pytest.raises(PolicyError):
        Policy({"x": {"unit.read": "galaxy"}})


grants = st.lists(
    st.builds(
        Grant,
        st.sampled_from([*REACHES, "idle"]),
        st.dictionaries(st.sampled_from(["site", "area"]), st.sampled_from([*SITES, *AREAS]), max_size=2),
    ),
    max_size=3,
)
rows = st.lists(
    st.tuples(
        st.sampled_from(SITES), st.sampled_from(AREAS), st.sampled_from(SUBJECTS), st.sampled_from(SUBJECTS)
    ),
    max_size=8,
)


@given(grants, rows, st.sampled_from([*SUBJECTS, None]))
def test_the_list_filter_equals_the_decision_row_by_row(
    held: list[Grant], stored: list[tuple[str, str, str, str]], subject: str | None
) -> None:
    who = caller(*held, subject=subject)
    columns = {"site": units.c.site, "area": units.c.area, "own": units.c.owner, "team": units.c.boss}
    # The interpreter's SQL is plain; any engine can evaluate it. Here it is a calculator, not a store under test.
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        units.create(conn)
        if stored:
            conn.execute(
                insert(units),
                [
                    {"id": i, "site": s, "area": a, "owner": o, "boss": b}
                    for i, (s, a, o, b) in enumerate(stored)
                ],
            )
        listed = {
            r[0] for r in conn.execute(select(units.c.id).where(policy.filter(who, "unit.read", columns)))
        }
    allowed = {
        i
        for i, (s, a, o, b) in enumerate(stored)
        if policy.decide(who, "unit.read", {"site": s, "area": a, "own": o, "team": b}).allowed
    }
    assert listed == allowed


# --- segregation of duties

RULE = {
    "id": "own-unit",
    "action": "unit.sign",
    "kind": "actor_is_not",
    "fields": ["author", "helpers"],
    "code": "own-unit",
    "message": "nobody signs a unit of their own",
}
ANA = Caller("account/a1", (), "ANA")


def refused_by(rule: dict[str, Any], parts: dict[str, Any], act: str = "unit") -> tuple[int, str] | None:
    """Status and code of the refusal of ANA's act; None when it is allowed."""
    try:
        Policy({}, segregation=[rule]).segregate(ANA, "unit.sign", act, parts)
    except Problem as problem:
        return problem.status, problem.code
    return None


@pytest.mark.parametrize(
    ("parts", "refused"),
    [
        ({"author": "BEN", "helpers": ["EVA", None]}, False),
        ({"author": None, "helpers": []}, False),
        ({"author": "ANA", "helpers": []}, True),
        ({"author": "BEN", "helpers": ["EVA", "ANA"]}, True),
        ({"author": "account/a1", "helpers": []}, True),
    ],
)
def test_nobody_acts_on_what_they_took_a_part_in(parts: dict[str, Any], refused: bool) -> None:
    assert refused_by(RULE, parts) == ((403, "own-unit") if refused else None)


def test_a_part_that_nobody_states_lets_nobody_through() -> None:
    with pytest.raises(PolicyError, match="does not state the part helpers"):
        refused_by(RULE, {"author": "BEN"})


def test_a_rule_is_limited_to_its_action_and_its_acts() -> None:
    own = {"author": "ANA", "helpers": []}
    assert refused_by(RULE | {"action": "unit.read"}, own) is None
    assert refused_by(RULE | {"acts": ["plan"]}, own) is None
    assert refused_by(RULE | {"acts": ["plan"]}, {}, act="unit") is None
    assert refused_by(RULE | {"acts": ["unit"], "status": 409}, own) == (409, "own-unit")


def test_an_act_for_oneself_is_about_the_account_and_its_holder() -> None:
    rule = RULE | {"kind": "not_for_oneself", "fields": ["account", "holder"]}
    assert refused_by(rule, {"account": "account/b1", "holder": "BEN"}) is None
    assert refused_by(rule, {"account": "account/b1", "holder": None}) is None
    assert refused_by(rule, {"account": "account/a1", "holder": None}) == (403, "own-unit")
    assert refused_by(rule, {"account": "account/b1", "holder": "ANA"}) == (403, "own-unit")


def test_how_many_actors_an_act_needs() -> None:
    two = Policy({}, segregation=[RULE | {"kind": "several", "count": 2, "acts": ["unit"]}])
    assert (two.actors_needed("unit.sign", "unit"), two.actors_needed("unit.sign", "plan")) == (2, 1)
