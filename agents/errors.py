"""What can go wrong with agents; each message tells a person the next step.

AgentsError
    UnknownAgent       no agent has that number
    InvalidAgent       the number, name or languages of a new agent can't be used
    InvalidSkill       a skill, its level, or what would be left of the skills can't be used
    NotPossible        the agent's presence does not allow it now
        NotAvailable   a call can't be offered to this agent now
    WrongPin           the PIN is wrong; says how many tries are left
    PinLocked          too many wrong PINs: no sign-in by PIN for a while
    PresenceUnreadable Redis does not answer at start-up
"""

from __future__ import annotations


class AgentsError(Exception):
    """Something a person must look at; the message says what to do next."""

    retryable = False


class UnknownAgent(AgentsError):
    """No agent has that number."""


class InvalidAgent(AgentsError):
    """A new agent's number, name or languages can't be used."""


class InvalidSkill(AgentsError):
    """A skill or its level can't be used, or too little would be left."""


class NotPossible(AgentsError):
    """The agent's presence does not allow what was asked."""


class NotAvailable(NotPossible):
    """A call can't be offered to this agent now."""

    retryable = True


class WrongPin(AgentsError):
    """The PIN is wrong."""

    retryable = True

    def __init__(self, message: str, *, tries_left: int) -> None:
        super().__init__(message)
        self.tries_left = tries_left


class PinLocked(AgentsError):
    """Too many wrong PINs."""

    retryable = True


class PresenceUnreadable(AgentsError):
    """Redis does not answer, so nobody knows who sits where."""

    retryable = True
