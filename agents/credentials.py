"""An agent's two secrets: the softphone's password and the PIN for signing in.

Pure: chance comes in as `choose` (at the edge `secrets.choice`). Neither secret is kept in clear: Asterisk's digest
works from `md5_cred`, the PIN is checked against a salted scrypt hash.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Choose = Callable[[Sequence[str]], str]

REALM = "helpline"
PASSWORD_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that are mistaken for another when typed off paper
PASSWORD_LENGTH = 20  # 100 bits
PIN_LENGTH = 6
SCRYPT_COST = 2**14  # 16 MiB, some tens of milliseconds: hash it off the event loop
SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """An agent's secrets as told once, and what is kept of them."""

    password: str
    pin: str
    md5_cred: str
    pin_hash: str


def new_password(choose: Choose) -> str:
    """A softphone's password."""
    return "".join(choose(PASSWORD_LETTERS) for _ in range(PASSWORD_LENGTH))


def new_pin(choose: Choose) -> str:
    """Six digits: at least three different ones, and not in a row."""
    while True:
        pin = "".join(choose("0123456789") for _ in range(PIN_LENGTH))
        if len(set(pin)) > 2 and pin not in "01234567890123456789" and pin not in "98765432109876543210":
            return pin


def md5_cred(*, endpoint: str, password: str) -> str:
    """What Asterisk keeps instead of the password: md5 of user, realm and password (RFC 2617's HA1)."""
    text = f"{endpoint}:{REALM}:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def pin_hash(pin: str, *, salt: bytes) -> str:
    """`salt$hash` in hex, to be kept. Slow on purpose."""
    digest = hashlib.scrypt(pin.encode(), salt=salt, n=SCRYPT_COST, r=8, p=1, dklen=32)
    return f"{salt.hex()}${digest.hex()}"


def pin_fits(pin: str, kept: str) -> bool:
    """Whether the PIN is the one that `kept` was made from. Slow on purpose; compares in constant time."""
    salt, _, _ = kept.partition("$")
    return hmac.compare_digest(pin_hash(pin, salt=bytes.fromhex(salt)), kept)


def new_secrets(endpoint: str, choose: Choose) -> Secrets:
    """A fresh pair for that endpoint."""
    password, pin = new_password(choose), new_pin(choose)
    salt = bytes.fromhex("".join(choose("0123456789abcdef") for _ in range(2 * SALT_BYTES)))
    return Secrets(
        password=password,
        pin=pin,
        md5_cred=md5_cred(endpoint=endpoint, password=password),
        pin_hash=pin_hash(pin, salt=salt),
    )
