"""The dialer: rings the citizens that its source names, by the rules and the pace, and tells how each attempt ended.

An attempt is committed before its Originate, with an id that is also the call's, and the database refuses a second open
attempt for the same number. So after a crash at any moment nobody is rung twice at once and no attempt is lost: what
lives among Asterisk's channels is followed on, what does not has ended as LOST and is tried again by the rules.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from outbound_dialer import attempt as life
from outbound_dialer import pacing
from outbound_dialer.attempt import RESULT_LIMIT, Attempt, AttemptId, Contact, ContactKey
from outbound_dialer.errors import UnknownAttempt
from outbound_dialer.lines import Lines
from outbound_dialer.link import Link
from outbound_dialer.outcomes import Disposition
from outbound_dialer.reporting import OnOutcome, Outcome, Reporter
from outbound_dialer.rules import Why, next_try, verdict
from outbound_dialer.settings import DialerSettings
from outbound_dialer.store import AttemptStore
from telephony.errors import TelephonyError
from telephony.events import LiveChannel

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

FIRST_PAGE: Final = 50  # contacts asked of the source at first
REST_PER_CONTACT: Final = 0.001  # seconds

__all__ = ["Contact", "ContactSource", "Dialer", "DialerSettings", "OnOutcome", "Outcome"]


class ContactSource(Protocol):
    """Who knows whom to ring."""

    async def due(self, limit: int, now: datetime) -> Sequence[Contact]:
        """The first `limit` contacts that wait to be rung, the most urgent first.

        It may name those again that were rung before: the dialer knows whom it rings, and when again. It must stop
        naming a contact once its outcome is taken for good.
        """
        ...


def new_attempt_id(at: datetime) -> AttemptId:
    """An id that sorts by time, is a legal ChannelId, and is told apart from Asterisk's own by its first letters."""
    return AttemptId(f"dial-{at:%Y%m%d%H%M%S}-{secrets.token_hex(6)}")


class Dialer:
    """One campaign of calls in which the machine asks. `start()` before use.

    The flow of an answered call looks its attempt up by `attempt_for(call.id)` and ends with `finish(attempt.id,
    result)`. `on_outcome` gets each attempt's outcome once; see `OnOutcome` for what it must bear.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        link: Link,
        source: ContactSource,
        *,
        clock: Clock,
        settings: DialerSettings,
        on_outcome: OnOutcome,
        new_id: Callable[[datetime], AttemptId] = new_attempt_id,
    ) -> None:
        self._store = AttemptStore(sessions, campaign=settings.campaign)
        self._link = link
        self._source = source
        self._clock = clock
        self._settings = settings
        self._new_id = new_id
        self._reporter = Reporter(self._store, on_outcome, clock=clock)
        self._lines = Lines(self._store, link, clock=clock, settings=settings, on_change=self._changed)
        self._pace = pacing.begin(settings.pace, clock())
        self._kicked = asyncio.Event()
        self._taking_up = asyncio.Lock()
        self._checked = False  # whether the open attempts were compared with Asterisk since the link came up
        self._check_at = 0.0  # loop time, as is the next
        self._look_at = 0.0  # a long list is not looked through at every tick
        self._tasks: list[asyncio.Task[None]] = []
        link.on_resync(self._resynced)

    async def start(self) -> None:
        """Take up the attempts that were open, then dial. Raises what the database raises."""
        if self._tasks:
            return
        async with self._taking_up:
            found = await self._store.open()
            self._lines.take_up(found)
        for attempt in found:
            self._pace = pacing.step(self._pace, pacing.CallStarted(self._clock(), found=True))
            log.info("An open attempt is taken up", extra={"action": "attempt_taken_up", "attempt": attempt.id})
        self._tasks = [
            asyncio.create_task(self._dial(), name="dialer"),
            asyncio.create_task(self._reporter.run(), name="dialer outcomes"),
        ]

    async def stop(self) -> None:
        """Dial no more. Calls under way go on in Asterisk; the next start takes them up. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lines.stop()

    def kick(self) -> None:
        """There may be somebody to ring: look now."""
        self._look_at = 0.0
        self._kicked.set()

    @property
    def open_attempts(self) -> Sequence[Attempt]:
        """Who is being rung or spoken to now, in the order they were begun."""
        return self._lines.attempts

    async def history(self, contact: str) -> Sequence[Attempt]:
        """All attempts to reach a contact, the oldest first."""
        key = ContactKey(contact)
        return (await self._store.of_contacts([key]))[key]

    async def attempt_for(self, call_id: str) -> Attempt | None:
        """The attempt of an outgoing call that has come to its flow, and so is answered. None: not one of ours."""
        line = self._lines.find(call_id)
        if line is None:
            return await self._store.get(call_id)
        await self._lines.answered(line)
        return line.attempt

    async def finish(self, attempt_id: str, result: str) -> bool:
        """The flow's last word: what the citizen answered, or "" when the call ended without an answer.

        Kept when it returns; call it before the thanks are spoken. The first call counts: False, when how the attempt
        came out was told before. Raises UnknownAttempt.
        """
        if len(result) > RESULT_LIMIT:
            raise ValueError(f"a result has at most {RESULT_LIMIT} characters")
        line = self._lines.find(attempt_id)
        if line is not None:
            return await self._lines.finish(line, result)
        async with self._taking_up:  # not started yet, or stopped while the last flows still end: the result counts
            attempt = await self._store.get(attempt_id)
            if attempt is None:
                raise UnknownAttempt(attempt_id)
            return await self._lines.finish(self._lines.find(attempt_id) or self._lines.apart(attempt), result)

    # -- dialing

    async def _dial(self) -> None:
        """Look, dial, rest, for ever."""
        while True:
            self._kicked.clear()
            try:
                await self._look()
            except TelephonyError as error:
                log.warning("The dialer waits for Asterisk", extra={"action": "dialer_waits", "reason": str(error)})
            except Exception:
                log.exception("The dialer could not look whom to ring", extra={"action": "dialer_look_failed"})
            try:
                async with asyncio.timeout(self._settings.tick_seconds):
                    await self._kicked.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        if not self._link.connected:
            return
        moment = asyncio.get_running_loop().time()
        if not self._checked or moment >= self._check_at:
            self._checked = True  # before the check: a new break meanwhile asks for another
            try:
                await self._lines.check()
            except TelephonyError:
                self._checked = False
                raise
            self._check_at = moment + self._settings.check_seconds
        now = self._clock()
        wanted = pacing.decide(now, self._pace)
        if not wanted or moment < self._look_at or not self._settings.rules.window.is_open(now):
            return
        for contact in await self._choose(wanted, now):
            await self._begin(contact, now)

    async def _choose(self, wanted: int, now: datetime) -> list[Contact]:
        """Up to `wanted` contacts that may be rung, in the source's order."""
        limit = max(FIRST_PAGE, wanted)
        while True:
            named = await self._source.due(limit, now)
            chosen = await self._sift(named, wanted, now)
            if len(chosen) >= wanted or len(named) < limit:
                break
            limit *= 2  # those who rest stand before those who may be rung: look further
        self._look_at = asyncio.get_running_loop().time() + REST_PER_CONTACT * len(named)
        return chosen

    async def _sift(self, named: Sequence[Contact], wanted: int, now: datetime) -> list[Contact]:
        rules = self._settings.rules
        attempts = await self._store.of_contacts([contact.key for contact in named])
        numbers = [contact.number for contact in named]
        barred = await self._store.barred(numbers)
        rung_today = await self._store.rung_since(numbers, rules.window.day_begins(now))
        in_use = {attempt.number for attempt in self._lines.attempts}
        seen: set[ContactKey] = set()
        chosen: list[Contact] = []
        for contact in named:
            if len(chosen) == wanted:
                break
            if contact.key in seen:
                continue
            seen.add(contact.key)
            found = verdict(
                contact.number,
                attempts[contact.key],
                now=now,
                rules=replace(rules, do_not_ring=rules.do_not_ring | barred) if contact.number in barred else rules,
                in_use=in_use,
                rung_today=rung_today.get(contact.number, 0),
            )
            if found.barred is not None:
                await self._record_barred(contact, found.barred, now)
            elif found.why is Why.RING:
                in_use.add(contact.number)
                chosen.append(contact)
        return chosen

    async def _begin(self, contact: Contact, now: datetime) -> None:
        attempt = life.written(
            contact, attempt_id=self._new_id(now), campaign=self._settings.campaign, at=self._clock()
        )
        rules = self._settings.rules
        if not await self._store.write(attempt, most=rules.most_a_day, since=rules.window.day_begins(now)):
            log.warning(
                "A number is being rung already, or was rung often enough today",
                extra={"action": "attempt_not_written", "contact": contact.key},
            )
            return
        self._pace = pacing.step(self._pace, pacing.CallStarted(self._clock()))
        self._lines.ring(attempt)

    async def _record_barred(self, contact: Contact, disposition: Disposition, now: datetime) -> None:
        """A number that must not be rung is an attempt without a call, so that its receiver hears of it."""
        attempt = life.written(contact, attempt_id=self._new_id(now), campaign=self._settings.campaign, at=now)
        following = next_try(attempt, disposition, (), now=now, rules=self._settings.rules)
        attempt = life.resolved(attempt, disposition, retry_at=following.at, round_over=following.round_over)
        await self._store.record(life.ended(attempt, now, cause=None))
        self._reporter.wake()

    # -- what is told

    def _changed(self, attempt: Attempt) -> None:
        now = self._clock()
        if attempt.disposition is not None:
            self._reporter.wake()
        if not attempt.open and attempt.disposition is not None:
            self._pace = pacing.step(self._pace, pacing.CallEnded(now, attempt.disposition))
            self._kicked.set()  # a line is free
        elif attempt.answered_at is not None and attempt.disposition is None:
            self._pace = pacing.step(self._pace, pacing.CallAnswered(now))

    async def _resynced(self, _channels: Sequence[LiveChannel]) -> None:
        # Looked at anew in the loop: by now more may have been dialled than this list can know of.
        self._checked = False
        self._kicked.set()
