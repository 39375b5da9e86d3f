"""Passwords are kept as Argon2id hashes of the cost that OWASP asks for."""

import asyncio
import re

import pytest
from gateway_svc.handlers import passwords


@pytest.mark.usefixtures("real_passwords")
async def test_a_hash_has_the_cost_of_the_product_and_is_verified_in_it() -> None:
    found = await passwords.hash_of("correct horse battery")
    assert re.match(r"\$argon2id\$v=19\$m=47104,t=1,p=1\$", found)
    assert await passwords.verify("correct horse battery", found)
    assert not await passwords.verify("correct horse", found)


@pytest.mark.usefixtures("real_passwords")
async def test_the_password_of_nobody_is_never_right() -> None:
    answers = await asyncio.gather(*(passwords.verify(guess, None) for guess in ("", "x", "password")))
    assert answers == [False, False, False]
