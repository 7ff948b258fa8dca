"""Which call a supervisor means: a call id, a position in a queue, or the last digits of the caller's number.

Pure. What can't be told apart is said with what would tell it apart; nothing is guessed.
"""

from __future__ import annotations

from collections import Counter

from starlette.exceptions import HTTPException

from acd.snapshot import Snapshot, WaitingCaller

FEWEST_DIGITS = 4  # of a number; fewer are a position
SHOWN = 5  # of several that are meant


def call_meant(named: str, queue: Snapshot) -> str:
    """The id of the call that waits or talks. Raises HTTPException 404 for nobody, 409 for more than one."""
    named = named.strip()
    known = {waiter.call_id for waiter in queue.waiting} | {talk.call_id for talk in queue.talking}
    if named in known:
        return named
    service, sign, position = named.rpartition("#")
    digits = position.replace(" ", "")
    if not digits.isascii() or not digits.isdigit():
        raise HTTPException(
            404,
            f"No call {named[:60]!r} waits or talks now. Say a position such as 3 or complaint#3, the last digits of "
            "the number, or a call id; `helpline queue list` shows them.",
        )
    found = _at_position(digits, queue, service)
    if not sign and len(digits) >= FEWEST_DIGITS:
        found |= _with_number(digits, queue)
    if not found:
        raise HTTPException(404, _nobody(named, digits, queue))
    if len(found) > 1:
        several = ", ".join(sorted(found.values())[:SHOWN]) + (" and more" if len(found) > SHOWN else "")
        raise HTTPException(
            409,
            f"{named} can be {several}. Say more of the number's digits, a position as complaint#3, or the call id.",
        )
    return next(iter(found))


def _at_position(digits: str, queue: Snapshot, service: str) -> dict[str, str]:
    """Call id to how it is told, for the position of that number in that queue, or in any."""
    position = int(digits)
    return {
        waiter.call_id: _told(waiter)
        for waiter in queue.waiting
        if waiter.position == position and service in ("", waiter.service)
    }


def _told(waiter: WaitingCaller) -> str:
    return f"{waiter.service}#{waiter.position} ({waiter.call_id})"


def _with_number(digits: str, queue: Snapshot) -> dict[str, str]:
    found = {waiter.call_id: _told(waiter) for waiter in queue.waiting if waiter.caller.endswith(digits)}
    talking = {
        t.call_id: f"the caller of agent {t.agent} ({t.call_id})" for t in queue.talking if t.caller.endswith(digits)
    }
    return found | talking


def _nobody(named: str, digits: str, queue: Snapshot) -> str:
    if "#" in named or len(digits) < FEWEST_DIGITS:
        last = Counter(waiter.service for waiter in queue.waiting)
        line = ", ".join(f"{service}#1 to #{count}" for service, count in sorted(last.items()))
        return (
            f"There is no position {named}: {f'{line} are taken' if line else 'nobody waits'}. "
            f"For a number say at least {FEWEST_DIGITS} of its last digits."
        )
    return f"Nobody whose number ends in {digits} waits or talks now. `helpline queue list` shows who does."
