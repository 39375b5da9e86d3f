"""The event contracts and the access policy of Attest, as data and as Python models."""

from attest_contracts.validation import (
    ContractError,
    validate,
    validate_envelope,
    validate_heartbeat,
    validate_incoming,
    validate_outgoing,
)

__all__ = [
    "ContractError",
    "validate",
    "validate_envelope",
    "validate_heartbeat",
    "validate_incoming",
    "validate_outgoing",
]
