"""The agents' SIP accounts in live tests: all have one password."""

from __future__ import annotations

from agents.credentials import md5_cred
from asterisk_conf.settings import PhoneAccount

AGENTS = ("1001", "1002", "1003")
PASSWORD = "kabootar"


def cred_of(agent: str) -> str:
    """What Asterisk keeps of that agent's password."""
    return md5_cred(endpoint=f"agent-{agent}", password=PASSWORD)


def account(agent: str) -> PhoneAccount:
    return PhoneAccount(f"agent-{agent}", cred_of(agent), f"Agent {agent}")
