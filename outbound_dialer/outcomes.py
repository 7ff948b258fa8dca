"""How an attempt ended, from what Asterisk tells, and what follows from it: pure.

Sources: asterisk-facts, section 8 (each cause tried against Asterisk 22: OriginateResponse has reason 4 for answered,
3 for our own time-out and 0 for every failure, so the Hangup cause tells failures apart; 480 and our time-out share
cause 19), and ITU-T Q.850 for the causes that a trunk may send besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from telephony.originate import ANSWERED, RANG_TOO_LONG


class Disposition(StrEnum):
    """How an attempt ended: one word for each."""

    ANSWERED = "answered"  # the citizen answered and gave a result
    UNFINISHED = "unfinished"  # answered, but the call ended before there was a result
    BUSY = "busy"
    NO_ANSWER = "no_answer"  # rang until our time-out
    UNREACHABLE = "unreachable"  # switched off, out of coverage, or not registered
    REJECTED = "rejected"  # the citizen or the network turned the call away
    INVALID_NUMBER = "invalid_number"
    DO_NOT_RING = "do_not_ring"  # on the list of numbers that must not be rung: no call was made
    CONGESTION = "congestion"  # the network had no way through: no fault of the number
    CANCELLED = "cancelled"  # we took it back before it was answered
    FAILED = "failed"  # anything else
    LOST = "lost"  # its end was not seen: the controller or its link was down


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPlan:
    """What follows from a disposition.

    `gap`: how long to wait before the same contact is rung again; None: never again. `counts`: whether it uses up one
    of the tries. `other_part`: the next call is in another part of the day, the gap being the least.
    """

    gap: timedelta | None
    counts: bool = True
    other_part: bool = False


PLANS: Final[Mapping[Disposition, RetryPlan]] = MappingProxyType(
    {
        Disposition.ANSWERED: RetryPlan(gap=None),
        Disposition.UNFINISHED: RetryPlan(gap=timedelta(hours=4)),
        Disposition.BUSY: RetryPlan(gap=timedelta(minutes=10)),
        Disposition.NO_ANSWER: RetryPlan(gap=timedelta(hours=1), other_part=True),
        Disposition.UNREACHABLE: RetryPlan(
            gap=timedelta(hours=2), other_part=True
        ),  # switched off: charging, or no net
        Disposition.REJECTED: RetryPlan(gap=timedelta(hours=24)),
        Disposition.INVALID_NUMBER: RetryPlan(gap=None),
        Disposition.DO_NOT_RING: RetryPlan(gap=None),
        Disposition.CONGESTION: RetryPlan(gap=timedelta(minutes=5), counts=False),
        Disposition.CANCELLED: RetryPlan(gap=timedelta(minutes=5), counts=False),
        Disposition.FAILED: RetryPlan(gap=timedelta(hours=1)),
        Disposition.LOST: RetryPlan(gap=timedelta(minutes=5)),
    }
)
"""The plan for each disposition; `Rules.gaps` can set other gaps (a demonstration does)."""

_BUSY: Final = 5
_CONGESTION: Final = 8
"""Reasons of Asterisk (frame.h) that the facts have not seen, but its source can give."""

# Q.850 causes as Asterisk names them (causes.h). What is not here is FAILED.
_BY_CAUSE: Final[Mapping[int, Disposition]] = MappingProxyType(
    {
        0: Disposition.CANCELLED,  # our own hang-up
        1: Disposition.INVALID_NUMBER,  # unallocated: 404
        2: Disposition.CONGESTION,  # no route to the transit network
        3: Disposition.CONGESTION,  # no route to the destination: the trunk is away
        16: Disposition.CANCELLED,  # normal clearing before an answer
        17: Disposition.BUSY,  # 486, 600
        18: Disposition.UNREACHABLE,  # no user responds: 408
        19: Disposition.UNREACHABLE,  # 480; our own time-out has it too, with reason 3
        20: Disposition.UNREACHABLE,  # subscriber absent: switched off or out of coverage
        21: Disposition.REJECTED,  # 403, 603
        22: Disposition.INVALID_NUMBER,  # number changed: 410
        26: Disposition.CANCELLED,  # answered elsewhere
        27: Disposition.UNREACHABLE,  # destination out of order: 502
        28: Disposition.INVALID_NUMBER,  # incomplete: 484
        34: Disposition.CONGESTION,  # no circuit: 503
        38: Disposition.CONGESTION,  # network out of order: 500
        41: Disposition.CONGESTION,  # temporary failure
        42: Disposition.CONGESTION,  # switch congestion
        44: Disposition.CONGESTION,  # the channel asked for is taken
        47: Disposition.CONGESTION,  # no resource
        54: Disposition.REJECTED,  # incoming calls barred
    }
)


def disposition_of(reason: int | None, cause: int | None) -> Disposition:
    """The disposition of a call that ended without a result, for every reason and cause there may be.

    `reason` is OriginateResponse's, None when it was not seen (a call taken up after a restart): then cause 19 is read
    as no answer, which is what it mostly is, and 16 as a hang-up after the answer. `cause` None with a reason: Asterisk
    could not even make the channel, because the trunk is away or full. Neither was seen: LOST.
    """
    if reason == ANSWERED or (reason is None and cause == 16):
        return Disposition.UNFINISHED
    if reason == RANG_TOO_LONG or (reason is None and cause == 19):
        return Disposition.NO_ANSWER
    if reason == _BUSY:
        return Disposition.BUSY
    if reason == _CONGESTION:
        return Disposition.CONGESTION
    if cause is None:
        return Disposition.LOST if reason is None else Disposition.CONGESTION
    return _BY_CAUSE.get(cause, Disposition.FAILED)
