"""The policy table: what the roles must and must not hold, and what loading refuses."""

import re

import pytest
from attest_contracts import files, policy

pytestmark = pytest.mark.part("PL-06", "what each role holds and must not hold")

TABLE = policy.load()
TEXT = files.read("policy", "roles.yaml")
ROLES = [
    "operator",
    "supervisor",
    "trainer",
    "coordinator",
    "document_author",
    "qa_approver",
    "auditor",
    "administrator",
    "integration",
]


def kinds(role: str) -> set[str]:
    return {TABLE["actions"][action]["kind"] for action in TABLE["roles"][role]}


def holders(action: str) -> set[str]:
    return {role for role, allows in TABLE["roles"].items() if action in allows}


def test_the_golden_table():
    assert files.read("policy", "roles.golden.csv") == policy.golden_csv()
    assert list(TABLE["roles"]) == ROLES


def test_every_action_is_held_by_someone():
    assert {action for action in TABLE["actions"] if not holders(action)} == set()


@pytest.mark.part("R-53", "an administrator has no right of the plant")
def test_an_administrator_has_no_gxp_right():
    gxp = {action for action in TABLE["roles"]["administrator"] if TABLE["actions"][action]["gxp"]}
    assert gxp == set()
    assert "sign" not in kinds("administrator")
    assert holders("account.write") == holders("token.write") == {"administrator"}


def test_every_right_over_training_and_quality_data_is_called_gxp():
    """Control of the test above: it would prove nothing if the actions were marked wrongly."""
    assert {name for name, action in TABLE["actions"].items() if not action["gxp"]} == {
        "account.read",
        "account.write",
        "token.write",
        "health.read",
        "platform.clock",
        "platform.repair",
        "session.own",
    }


def test_an_auditor_only_reads():
    assert kinds("auditor") - {"operate"} == {"read"}
    operated = {a for a in TABLE["roles"]["auditor"] if TABLE["actions"][a]["kind"] == "operate"}
    assert operated == {"session.own"}


def test_a_machine_does_what_machines_do():
    assert TABLE["machines"] == ["integration"]
    written = {a for a in TABLE["roles"]["integration"] if TABLE["actions"][a]["kind"] != "read"}
    assert written == {"person.write", "import.run"}


def test_an_operator_reaches_only_own_people_data():
    about_people = ("person.", "assignment.", "qualification.", "record.")
    reach = {s for a, s in TABLE["roles"]["operator"].items() if a.startswith(about_people)}
    assert reach == {"own"}


def test_what_is_named_own_is_own_everywhere():
    for allows in TABLE["roles"].values():
        for action, scope in allows.items():
            assert (scope == "own") == action.endswith(("_own", ".own")), action


def test_only_who_signs_can_make_a_signing_intent():
    for role, allows in TABLE["roles"].items():
        signs = {a for a in allows if TABLE["actions"][a]["kind"] == "sign"} - {"signing.own"}
        assert ("signing.own" in allows) == bool(signs), role


def test_drafting_and_signing_are_different_roles():
    assert holders("change.sign").isdisjoint(holders("change.write"))
    assert holders("requirement.sign").isdisjoint(holders("requirement.write"))


@pytest.mark.part("PL-29", "an import is accepted by two people")
@pytest.mark.part("R-35", "an import is accepted by two people")
def test_segregation_rules():
    rules = {rule["id"]: rule for rule in TABLE["segregation"]}
    assert rules["own-change"]["action"] == "change.sign"
    assert rules["own-change"].get("fields") == ["author"]
    assert rules["import-two-people"]["action"] == "import.accept"
    assert rules["import-two-people"].get("count") == 2


def test_each_rule_of_segregation_is_about_what_a_service_breaks_in_its_tests():
    """`test_segregation.py` of qms, matrix, records and gateway, and the gateway's `test_jobs.py`."""
    tested = {"change", "requirement", "record", "account", "import"}
    assert {rule["action"].split(".")[0] for rule in TABLE["segregation"]} <= tested
    codes = [rule["code"] for rule in TABLE["segregation"]]
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.part("R-53", "an administrator holds no other role")
def test_an_administrator_holds_no_other_role():
    pairs = {rule["role"]: set(rule["with_"]) for rule in TABLE["exclusive"]}
    assert pairs["administrator"] == set(ROLES) - {"administrator"}


def test_action_names_are_area_and_verb():
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", name) for name in TABLE["actions"])


@pytest.mark.parametrize(
    ("find", "replace", "message"),
    [
        ("account.read: all", "account.reed: all", "unknown action 'account.reed'"),
        ("platform.clock: all", "platform.clock: world", "unknown scope 'world'"),
        ("includes: operator", "includes: operater", "unknown role operater"),
        ("    includes: operator\n", "    includes: supervisor\n", "includes itself"),
        ("person.read: team", "session.own: own", "already included"),
        ("kind: operate", "kind: dance", "unknown kind 'dance'"),
        ("action: change.sign", "action: change.sing", "unknown action 'change.sing'"),
        ("kind: not_for_oneself", "kind: never", "unknown kind 'never'"),
        ("fields: [author]", "fields: []", "needs fields"),
        ("fields: [accepted_by]", "fields: []", "different_people needs fields"),
        ("count: 2", "count: 1", "count of 2 or more"),
        ("code: own-approval", "code:", "own-change: code is missing"),
        ("status: 409", "status: 500", "a refusal is a 403 or a 409"),
        ("role: auditor", "role: auditer", "unknown role 'auditer'"),
    ],
)
def test_a_slip_in_the_file_is_refused(find: str, replace: str, message: str):
    assert find in TEXT
    with pytest.raises(policy.PolicyError, match=re.escape(message)):
        policy.parse(TEXT.replace(find, replace, 1))


def test_the_digest_is_of_the_file():
    assert policy.parse(TEXT + "\n")["digest"] != TABLE["digest"]
