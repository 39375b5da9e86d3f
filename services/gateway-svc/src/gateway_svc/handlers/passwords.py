"""Argon2id, off the event loop and never more than two at once: each takes 46 MiB and a core for some 30 ms.

The parameters are those of the OWASP Password Storage Cheat Sheet (m=46 MiB, t=1, p=1).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

COST = {"time_cost": 1, "memory_cost": 46 * 1024, "parallelism": 1}
"""Memory in KiB. The tests lower it for all but the test of the cost itself."""
_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


@cache
def hasher() -> PasswordHash:
    return PasswordHash(
        [
            Argon2Hasher(
                time_cost=COST["time_cost"], memory_cost=COST["memory_cost"], parallelism=COST["parallelism"]
            )
        ]
    )


@cache
def _nobody() -> str:
    """The hash that the password of an unknown name is held against, so that the answer takes as long."""
    return hasher().hash(secrets.token_urlsafe(32))


async def hash_of(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_pool, hasher().hash, password)


async def verify(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one of the hash. None (nobody has that name): the same work, and False."""

    def check() -> bool:
        try:
            return hasher().verify(password, password_hash or _nobody()) and password_hash is not None
        except UnknownHashError:
            return False

    return await asyncio.get_running_loop().run_in_executor(_pool, check)


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """The digest to store of a generated secret. SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
