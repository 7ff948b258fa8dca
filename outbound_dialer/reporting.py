"""Outcomes are handed to their receiver: each until it is taken, and then no more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from outbound_dialer.attempt import Attempt, AttemptId
from outbound_dialer.outcomes import Disposition
from outbound_dialer.store import AttemptStore, until_kept

log = logging.getLogger(__name__)

AT_ONCE: Final = 200  # outcomes read from the database at a time
TAKING_SECONDS: Final = 30.0  # how long a receiver may need for one
FIRST_DELAY: Final = 1.0  # seconds until a refused outcome is handed over again
LONGEST_DELAY: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt came out.

    `result` is what the citizen answered, "" unless the disposition is ANSWERED. `round_over`: no further try follows
    soon (tries used up, number invalid or barred), so the citizen counts as not reached. `retry_at`: the earliest time
    of the next try; None: never.
    """

    attempt: Attempt
    disposition: Disposition
    result: str
    round_over: bool
    retry_at: datetime | None


OnOutcome = Callable[[Outcome], Awaitable[None]]
"""Takes an outcome. It is called again with the same one if it raises, takes too long, or the controller dies before
the outcome is marked as taken: so it must do its work once for each `attempt.id`, however often it is called."""


class Reporter:
    """Hands over every outcome that is not marked as taken, the oldest first. One that is refused holds up no other."""

    def __init__(self, store: AttemptStore, receiver: OnOutcome, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._receiver = receiver
        self._clock = clock
        self._due = asyncio.Event()
        self._refused: dict[AttemptId, tuple[float, float]] = {}  # when again (loop time), delay

    def wake(self) -> None:
        """There is a new outcome."""
        self._due.set()

    async def run(self) -> None:
        """For ever; start it as a task and cancel it."""
        while True:
            self._due.clear()
            try:
                more = await self._hand_over()
            except Exception:
                log.exception("Outcomes can't be read", extra={"action": "outcomes_unread"})
                more = None
            if more is True:
                continue
            try:
                async with asyncio.timeout(self._rest() if more is False else FIRST_DELAY):
                    await self._due.wait()
            except TimeoutError:
                continue

    def _rest(self) -> float | None:
        """Seconds until a refused outcome is due again; None: there is none."""
        now = asyncio.get_running_loop().time()
        return min((max(0.0, at - now) for at, _ in self._refused.values()), default=None)

    async def _hand_over(self) -> bool:
        """Hand over what is due. True: there may be more at once."""
        # The refused ones stay at the head of the list: read past them.
        waiting = await self._store.unreported(AT_ONCE + len(self._refused))
        taken = [attempt for attempt in waiting if await self._hand_over_one(attempt)]
        return bool(taken) and len(waiting) >= AT_ONCE

    async def _hand_over_one(self, attempt: Attempt) -> bool:
        loop = asyncio.get_running_loop()
        again_at, delay = self._refused.get(attempt.id, (0.0, FIRST_DELAY))
        if again_at > loop.time() or attempt.disposition is None:
            return False
        outcome = Outcome(
            attempt=attempt,
            disposition=attempt.disposition,
            result=attempt.result,
            round_over=attempt.round_over,
            retry_at=attempt.retry_at,
        )
        try:
            async with asyncio.timeout(TAKING_SECONDS):
                await self._receiver(outcome)
        except Exception:
            log.exception(
                "An outcome was not taken; it is handed over again",
                extra={"action": "outcome_refused", "attempt": attempt.id, "contact": attempt.contact},
            )
            self._refused[attempt.id] = (loop.time() + delay, min(delay * 2, LONGEST_DELAY))
            return False
        await until_kept(lambda: self._store.mark_reported(attempt.id, self._clock()))
        self._refused.pop(attempt.id, None)
        return True
