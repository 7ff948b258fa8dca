"""The two secrets of an agent."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence

import pytest

from agents import credentials

pytestmark = pytest.mark.unit


def test_the_digest_is_that_of_user_realm_and_password() -> None:
    expected = hashlib.md5(b"agent-1001:helpline:sesame").hexdigest()
    assert credentials.md5_cred(endpoint="agent-1001", password="sesame") == expected


def test_a_pin_fits_its_own_hash_only_and_the_hash_is_salted() -> None:
    kept = credentials.pin_hash("493817", salt=b"0" * 16)
    assert credentials.pin_fits("493817", kept)
    assert not credentials.pin_fits("493818", kept)
    assert not credentials.pin_fits("", kept)
    assert kept != credentials.pin_hash("493817", salt=b"1" * 16)


def test_secrets_come_from_the_given_chance_alone() -> None:
    one, same, other = (random.Random(seed).choice for seed in (1, 1, 2))
    password = credentials.new_password(one)
    assert password == credentials.new_password(same) != credentials.new_password(other)
    assert len(password) == 20


@pytest.mark.parametrize("easy", ["111111", "123456", "987654", "121212"])
def test_an_easy_pin_is_not_given_out(easy: str) -> None:
    digits: Iterator[str] = iter(easy + "493817")

    def choose(_: Sequence[str]) -> str:
        return next(digits)

    assert credentials.new_pin(choose) == "493817"
