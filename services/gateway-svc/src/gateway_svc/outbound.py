"""Own changes -> contract models. `OUTBOUND` at the foot is the table of what this service announces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attest_contracts.events import gateway_account
from attest_contracts.outgoing import Announcement


def account(
    *,
    account: str,
    person: str | None,
    status: str,
    grants: Iterable[Mapping[str, Any]],
    kind: str,
    reason: str,
) -> Announcement:
    """An account after a change; a machine's token is an account without a person. No name leaves."""
    state = {
        "account": account,
        "person": person,
        "status": status,
        "grants": [
            {
                "grant": str(each["grant"]),
                "role": each["role"],
                "scope": {
                    **{key: each["scope"].get(key) for key in ("site", "area", "job_function")},
                    "own": None,
                },
            }
            for each in grants
        ],
    }
    return gateway_account.account_changed(
        state, {"kind": kind, "reason": reason, "valid_from": None, "cause": None}
    )


OUTBOUND = {gateway_account.TOPIC: gateway_account}
