"""Electronic signatures on the owner's side (21 CFR 11.50, 11.70, 11.200).

The gateway holds the intent and authenticates the signer afresh; what it passes on is a one-time signed *statement*
(intent, digest, meaning, signer, printed name, time of authentication; 60 s). The owner of what is signed verifies the
statement and, in one transaction, locks the record, computes the digest again, inserts the signature (one per intent),
changes the state and announces it. A service lists what it has to sign as `Signable`s; `servicekit.http.signing` has the
routes.

Who must not sign what is a rule of the policy file (`segregation`): a signable says who took which part, and this path
refuses with the code of the rule that the signer would break.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import CheckConstraint, Column, DateTime, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from servicekit.canonical import digest as digest_of
from servicekit.db.database import Tx
from servicekit.db.kinds import kind
from servicekit.http.caller import Caller, TokenIssuer, TokenVerifier
from servicekit.ids import new_id
from servicekit.policy import Parts, Policy
from servicekit.problems import conflict, forbidden, invalid

STATEMENT_LIFETIME_SECONDS = 60


def signature_table(metadata: MetaData) -> Table:
    """Declares `sign.signature` among the tables of a service that has something to sign: facts, never changed."""
    instant = DateTime(timezone=True)
    return Table(
        "signature",
        metadata,
        Column("id", UUID(as_uuid=False), primary_key=True),
        # Two confirmations of one intent give one signature.
        Column("intent", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("content_version", Text, nullable=False),
        Column(
            "digest",
            Text,
            CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="signature_digest"),
            nullable=False,
        ),
        Column("meaning", Text, nullable=False),
        Column("meaning_text", Text, nullable=False),
        Column("signer", Text, nullable=False),
        Column("printed_name", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("auth_time", instant, nullable=False),
        Column("auth_method", Text, nullable=False),
        Column("signed_at", instant, nullable=False),
        Column("time_zone", Text, nullable=False),
        Index("signature_of", "kind", "key"),
        schema="sign",
        info=kind("fact", personal=["printed_name"]),
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """The content to sign, which the page shows to the signer and the digest binds.

    content: the canonical content of the record as it stands. display: what the page shows of it.
    """

    content: Mapping[str, Any]
    content_version: str
    meaning: str
    meaning_text: str
    display: Mapping[str, Any]
    time_zone: str

    @property
    def digest(self) -> str:
        return digest_of(
            {
                "content": dict(self.content),
                "content_version": self.content_version,
                "meaning": self.meaning,
                "meaning_text": self.meaning_text,
            }
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """The verified word of the gateway: this signer authenticated afresh for just this digest and meaning."""

    intent: str
    digest: str
    meaning: str
    signer: str
    printed_name: str
    account: str
    auth_time: datetime
    auth_method: str

    def claims(self) -> dict[str, Any]:
        return {
            "sub": self.account,
            "use": "sign",
            "intent": self.intent,
            "digest": self.digest,
            "meaning": self.meaning,
            "signer": self.signer,
            "printed_name": self.printed_name,
            "auth_time": self.auth_time.timestamp(),
            "auth_method": self.auth_method,
        }

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Statement:
        return cls(
            intent=claims["intent"],
            digest=claims["digest"],
            meaning=claims["meaning"],
            signer=claims["signer"],
            printed_name=claims["printed_name"],
            account=claims["sub"],
            auth_time=datetime.fromtimestamp(claims["auth_time"], UTC),
            auth_method=claims["auth_method"],
        )


def issue_statement(issuer: TokenIssuer, statement: Statement, *, audience: str, now: int) -> str:
    return issuer.issue(statement.claims(), audience=audience, now=now, lifetime=STATEMENT_LIFETIME_SECONDS)


def verify_statement(verifier: TokenVerifier, token: str) -> Statement:
    return Statement.from_claims(verifier.claims(token, use="sign"))


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it is shown for ever: the printed name is the one at signing (11.50, R-52)."""

    id: str
    kind: str
    key: str
    content_version: str
    digest: str
    meaning: str
    meaning_text: str
    signer: str
    printed_name: str
    signed_at: datetime
    time_zone: str
    auth_time: datetime
    auth_method: str

    @classmethod
    def from_row(cls, row: Mapping[Any, Any]) -> Signature:
        values: dict[str, Any] = {name: row[name] for name in cls.__slots__}
        values["id"] = str(row["id"])
        return cls(**values)


class Signable[S](Protocol):
    """One kind of thing that can be signed; S is what is loaded of it, once for a signature.

    meanings: the meanings that a signature can have, and the text of each. action: the right that the signer needs.
    """

    @property
    def action(self) -> str: ...

    @property
    def meanings(self) -> Mapping[str, str]: ...

    async def load(self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool) -> S:
        """Everything that the signature concerns, as it stands. inputs: what the signer adds on the page.

        With lock its subjects are claimed and its rows stay locked. Raises 404 for what is not there or out of the
        caller's scope, 422 for bad inputs.
        """
        ...

    def parts(self, subject: S) -> Parts:
        """The actors who took part in the subject so far, for the policy's rules of segregation."""
        ...

    def prepare(self, subject: S, meaning: str, now: datetime) -> Prepared:
        """The content that is shown and bound. Raises a DomainError or Problem when it cannot be signed as it is."""
        ...

    async def apply(self, tx: Tx, subject: S, signature: Signature) -> None:
        """Carries out the signed act: a command on the loaded subject."""
        ...


def no_inputs(inputs: Mapping[str, Any]) -> None:
    """Raises 422 when the signer sends inputs and the signature takes none."""
    if inputs:
        raise invalid("inputs", "unexpected", "this signature takes no further input")


async def prepare(
    tx: Tx,
    policy: Policy,
    kind: str,
    signable: Signable[Any],
    caller: Caller,
    *,
    key: str,
    meaning: str,
    inputs: Mapping[str, Any],
    lock: bool,
) -> tuple[Any, Prepared]:
    """The loaded subject and the content that is shown of it. Raises the errors of the signable, and the refusal of a
    rule of segregation that the signer would break (PL-06)."""
    if caller.subject is None:
        raise forbidden("no-signer", "this account belongs to nobody who can sign")
    if meaning not in signable.meanings:
        raise invalid("meaning", "unknown", f"one of {', '.join(signable.meanings)}")
    subject = await signable.load(tx, caller, key, inputs, lock=lock)
    prepared = signable.prepare(subject, meaning, tx.recorded_at if lock else tx.now)
    policy.segregate(caller, signable.action, kind, signable.parts(subject))
    return subject, prepared


async def insert_signature(
    tx: Tx, kind: str, key: str, prepared: Prepared, statement: Statement
) -> Signature:
    """The signature row, at the record time of the transaction. The subjects must be claimed before."""
    row = await tx.one(
        """
        INSERT INTO sign.signature (id, intent, kind, key, content_version, digest, meaning, meaning_text, signer,
          printed_name, account, auth_time, auth_method, signed_at, time_zone)
        VALUES (:id, :intent, :kind, :key, :content_version, :digest, :meaning, :meaning_text, :signer,
          :printed_name, :account, :auth_time, :auth_method, :signed_at, :time_zone)
        RETURNING *
        """,
        {
            "id": new_id(),
            "intent": statement.intent,
            "kind": kind,
            "key": key,
            "content_version": prepared.content_version,
            "digest": prepared.digest,
            "meaning": prepared.meaning,
            "meaning_text": prepared.meaning_text,
            "signer": statement.signer,
            "printed_name": statement.printed_name,
            "account": statement.account,
            "auth_time": statement.auth_time,
            "auth_method": statement.auth_method,
            "signed_at": tx.recorded_at,
            "time_zone": prepared.time_zone,
        },
    )
    assert row is not None
    return Signature.from_row(row)


async def signatures_of(tx: Tx, kind: str, key: str) -> list[Signature]:
    rows = await tx.rows(
        "SELECT * FROM sign.signature WHERE kind = :kind AND key = :key ORDER BY signed_at, id",
        {"kind": kind, "key": key},
    )
    return [Signature.from_row(row) for row in rows]


async def sign(
    tx: Tx,
    policy: Policy,
    kind: str,
    signable: Signable[Any],
    caller: Caller,
    *,
    key: str,
    meaning: str,
    inputs: Mapping[str, Any],
    statement: Statement,
) -> Signature:
    """The owner's half of a signature. A second confirmation of the same intent gives the first one's signature.

    Raises 403 when the signer is not the caller, 409 `stale` when the record changed since it was shown.
    """
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(:intent, 0))", {"intent": statement.intent}
    )
    known = await tx.one("SELECT * FROM sign.signature WHERE intent = :intent", {"intent": statement.intent})
    if known is not None:
        return Signature.from_row(known)
    if caller.subject is None or statement.signer != caller.subject:
        raise forbidden("not-the-signer", "only the one who authenticated can sign")
    if statement.meaning != meaning:
        raise conflict("stale", "the meaning is not the one that was confirmed")
    subject, prepared = await prepare(
        tx, policy, kind, signable, caller, key=key, meaning=meaning, inputs=inputs, lock=True
    )
    if prepared.digest != statement.digest:
        raise conflict("stale", "the record changed after it was shown: read it again before you sign")
    signature = await insert_signature(tx, kind, key, prepared, statement)
    await signable.apply(tx, subject, signature)
    return signature
