"""Which call a supervisor means: a call id, a position in line, or the last digits of the caller's number.

Pure. What can't be told apart is said with what would tell it apart; nothing is guessed.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException

from acd.snapshot import Snapshot

FEWEST_DIGITS = 4  # of a number; fewer are a position
SHOWN = 5  # of several that are meant


def call_meant(named: str, queue: Snapshot) -> str:
    """The id of the call that waits or talks. Raises HTTPException 404 for nobody, 409 for more than one."""
    named = named.strip()
    known = {waiter.call_id for waiter in queue.waiting} | {talk.call_id for talk in queue.talking}
    if named in known:
        return named
    digits = named.removeprefix("#").replace(" ", "")
    if not digits.isascii() or not digits.isdigit():
        raise HTTPException(
            404,
            f"No call {named[:60]!r} waits or talks now. Say a position such as 3, the last digits of the number, or a "
            "call id; `helpline queue list` shows them.",
        )
    found = _at_position(digits, queue)
    if not named.startswith("#") and len(digits) >= FEWEST_DIGITS:
        found |= _with_number(digits, queue)
    if not found:
        raise HTTPException(404, _nobody(digits, queue))
    if len(found) > 1:
        several = ", ".join(sorted(found.values())[:SHOWN]) + (" and more" if len(found) > SHOWN else "")
        raise HTTPException(
            409, f"{digits} can be {several}. Say more of the number's digits, a position as #3, or the call id."
        )
    return next(iter(found))


def _at_position(digits: str, queue: Snapshot) -> dict[str, str]:
    """Call id to how it is told, for the position of that number."""
    position = int(digits)
    return {w.call_id: f"position #{w.position} ({w.call_id})" for w in queue.waiting if w.position == position}


def _with_number(digits: str, queue: Snapshot) -> dict[str, str]:
    found = {w.call_id: f"position #{w.position} ({w.call_id})" for w in queue.waiting if w.caller.endswith(digits)}
    talking = {
        t.call_id: f"the caller of agent {t.agent} ({t.call_id})" for t in queue.talking if t.caller.endswith(digits)
    }
    return found | talking


def _nobody(digits: str, queue: Snapshot) -> str:
    if len(digits) < FEWEST_DIGITS:
        line = f"positions 1 to {len(queue.waiting)} are taken" if queue.waiting else "nobody waits"
        return f"There is no position {digits}: {line}. For a number say at least {FEWEST_DIGITS} of its last digits."
    return f"Nobody whose number ends in {digits} waits or talks now. `helpline queue list` shows who does."
