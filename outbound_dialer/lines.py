"""The open attempts: each has one coroutine, from its Originate to the moment its line is free.

What Asterisk tells (`Originated`, `Hungup`), what the call's flow tells (`answered`, `finish`) and what a look at the
live channels shows meet here, and each change of an attempt is kept in the database before anybody sees it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from outbound_dialer import attempt as life
from outbound_dialer.attempt import Attempt, AttemptId
from outbound_dialer.day_parts import NOTHING_LEARNED, learned
from outbound_dialer.link import Link
from outbound_dialer.outcomes import PLANS, Disposition, disposition_of
from outbound_dialer.rules import may_ring_now, next_try
from outbound_dialer.settings import DialerSettings
from outbound_dialer.store import AttemptStore, until_kept
from telephony.call import CallId
from telephony.errors import ActionRefused, TelephonyError
from telephony.events import Hungup
from telephony.originate import Originate

log = logging.getLogger(__name__)

OnChange = Callable[[Attempt], None]


@dataclass(slots=True, eq=False)
class Line:
    """An open attempt and what its coroutine waits for."""

    attempt: Attempt
    hung_up: asyncio.Future[int | None]  # the cause; None: the channel is gone, its end was not seen
    watched: bool = False  # whether its absence among the live channels means that it is gone
    finished: asyncio.Event = field(default_factory=asyncio.Event)  # the flow has said its last word
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Lines:
    """See the module. `on_change` is told each answer, each resolution and each end, after it is kept."""

    def __init__(
        self,
        store: AttemptStore,
        link: Link,
        *,
        clock: Callable[[], datetime],
        settings: DialerSettings,
        on_change: OnChange,
    ) -> None:
        self._store = store
        self._link = link
        self._clock = clock
        self._settings = settings
        self._on_change = on_change
        self._lines: dict[AttemptId, Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        link.subscribe(Hungup, self._hung_up)

    @property
    def attempts(self) -> list[Attempt]:
        """The open attempts, in the order they were begun."""
        return [line.attempt for line in self._lines.values()]

    def find(self, attempt_id: str) -> Line | None:
        return self._lines.get(AttemptId(attempt_id))

    def take_up(self, attempts: Iterable[Attempt]) -> None:
        """Follow attempts that an earlier controller began, until they are seen to be gone."""
        for attempt in attempts:
            self._spawn(self._open(attempt, watched=True), ring=False)

    def ring(self, attempt: Attempt) -> None:
        """Make the call of an attempt that is written."""
        self._spawn(self._open(attempt, watched=False), ring=True)

    async def stop(self) -> None:
        """Let go of all: the calls go on in Asterisk, and the next start takes them up."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lines.clear()

    async def check(self) -> None:
        """Compare with Asterisk's channels: what is watched and not there has ended unseen. Raises TelephonyError."""
        # First who is looked for, then the look: a call that is answered meanwhile is not taken for gone.
        watched = [line for line in self._lines.values() if line.watched and not line.hung_up.done()]
        if not watched:
            return
        live: set[str] = {channel.call_id for channel in await self._link.live_channels()}
        for line in watched:
            if line.attempt.id not in live and not line.hung_up.done():
                log.warning(
                    "An attempt ended unseen", extra={"action": "attempt_ended_unseen", "attempt": line.attempt.id}
                )
                line.hung_up.set_result(None)

    @staticmethod
    def apart(attempt: Attempt) -> Line:
        """A line that nobody follows: for a last word when the dialer is not running."""
        return Line(attempt, asyncio.get_running_loop().create_future())

    async def answered(self, line: Line) -> None:
        """The citizen has answered."""
        if line.attempt.answered_at is None:
            await self._change(line, lambda attempt: life.answered(attempt, self._clock()))

    async def finish(self, line: Line, result: str) -> bool:
        """The flow's last word. False: how the attempt came out is told already."""
        disposition = Disposition.ANSWERED if result else Disposition.UNFINISHED
        open_still = line.attempt.disposition is None
        if open_still:
            resolve = await self._resolution(line.attempt, disposition, result)
            await self._change(line, lambda attempt: resolve(life.answered(attempt, self._clock())))
        line.finished.set()
        if not open_still:
            log.warning("A result came too late", extra={"action": "result_too_late", "attempt": line.attempt.id})
        return open_still and (line.attempt.disposition, line.attempt.result) == (disposition, result)

    # -- one attempt

    def _open(self, attempt: Attempt, *, watched: bool) -> Line:
        line = self._lines[attempt.id] = self.apart(attempt)
        line.watched = watched
        return line

    def _spawn(self, line: Line, *, ring: bool) -> None:
        task = asyncio.create_task(self._guarded(line, ring=ring), name=f"attempt {line.attempt.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, line: Line, *, ring: bool) -> None:
        try:
            await self._run(line, ring=ring)
        except Exception:
            # It stays open: its number is rung no more until a restart has looked what became of it.
            log.exception("An attempt is stuck", extra={"action": "attempt_stuck", "attempt": line.attempt.id})

    async def _run(self, line: Line, *, ring: bool) -> None:
        failed = await self._ring(line) if ring else None
        if failed is None:
            line.watched = True
            cause = await line.hung_up
            disposition = await self._after_hang_up(line, cause)
        else:
            disposition, cause = failed
        resolve = await self._resolution(line.attempt, disposition, "")
        await self._change(line, lambda attempt: life.ended(resolve(attempt), self._clock(), cause=cause), last=True)

    async def _ring(self, line: Line) -> tuple[Disposition, int | None] | None:
        """Make the call. None: it is answered, or it is not known: follow it to its hang-up."""
        await self._change(line, lambda attempt: life.rung(attempt, self._clock()))
        attempt, settings = line.attempt, self._settings
        if await until_kept(lambda: self._store.barred([attempt.number])):
            return Disposition.DO_NOT_RING, None
        # The hours are asked last of all: nothing is waited for between this and the Originate.
        if not may_ring_now(attempt.number, now=self._clock(), rules=settings.rules):
            return Disposition.CANCELLED, None
        try:
            told = await self._link.originate(
                Originate(
                    channel=f"PJSIP/{attempt.number}@{settings.trunk}",
                    call_id=CallId(attempt.id),
                    context=settings.context,
                    ring_seconds=settings.ring_seconds,
                    caller_id=settings.caller_id,
                    variables={
                        "DIALER_ATTEMPT": attempt.id,
                        "DIALER_CONTACT": attempt.contact,
                        "DIALER_LANGUAGE": attempt.language,
                    },
                )
            )
        except ActionRefused as refused:
            log.error("Asterisk refuses to call", extra={"action": "originate_refused", "reason": str(refused)})
            return Disposition.CONGESTION, None
        except TelephonyError as error:
            log.warning(
                "It is not known whether a citizen is being rung",
                extra={"action": "originate_unknown", "attempt": attempt.id, "reason": str(error)},
            )
            await self._outlast_ringing(line)
            return None
        if told.answered:
            await self.answered(line)
            return None
        return disposition_of(told.reason, told.cause), told.cause

    async def _outlast_ringing(self, line: Line) -> None:
        """Until it can ring no more: before that, no channel is no proof, for Asterisk may only come to it now."""
        try:
            async with asyncio.timeout(self._settings.ring_seconds):
                await asyncio.shield(line.hung_up)
        except TimeoutError:
            return

    async def _after_hang_up(self, line: Line, cause: int | None) -> Disposition:
        """How a call came out that was hung up. Its flow may be about to say so."""
        if line.attempt.answered_at is not None and line.attempt.disposition is None:
            try:
                async with asyncio.timeout(self._settings.finish_seconds):
                    await line.finished.wait()
            except TimeoutError:
                pass
        if line.attempt.answered_at is not None:
            return Disposition.LOST if cause is None else Disposition.UNFINISHED
        return disposition_of(None, cause)

    async def _resolution(
        self, attempt: Attempt, disposition: Disposition, result: str
    ) -> Callable[[Attempt], Attempt]:
        """The change that says how an attempt came out, with what follows from it."""
        history = await until_kept(lambda: self._store.of_contacts([attempt.contact]))
        earlier = [one for one in history[attempt.contact] if one.id != attempt.id]
        rules, chances = self._settings.rules, NOTHING_LEARNED
        if PLANS[disposition].other_part:
            calls = await until_kept(lambda: self._store.calls_to(attempt.number))
            chances = learned(calls, rules.window.zone)
        following = next_try(attempt, disposition, earlier, now=self._clock(), rules=rules, chances=chances)
        return lambda now: life.resolved(
            now, disposition, result=result, retry_at=following.at, round_over=following.round_over
        )

    async def _change(self, line: Line, change: Callable[[Attempt], Attempt], *, last: bool = False) -> None:
        async with line.lock:
            changed = change(line.attempt)
            if changed == line.attempt:
                return
            await until_kept(lambda: self._store.save(changed))
            line.attempt = changed
            if last:
                del self._lines[changed.id]
        log.info(
            "An attempt changed",
            extra={
                "action": "attempt_changed",
                "attempt": changed.id,
                "contact": changed.contact,
                "state": changed.state.value,
                "disposition": changed.disposition and changed.disposition.value,
                "cause": changed.cause,
                "pii_number": changed.number,
            },
        )
        self._on_change(changed)

    def _hung_up(self, event: Hungup) -> None:
        line = self._lines.get(AttemptId(event.call_id))
        if line is not None and not line.hung_up.done():
            line.hung_up.set_result(event.cause)
