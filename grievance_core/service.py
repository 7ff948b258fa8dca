"""The grievance core's use cases: each loads, asks the domain, and commits in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import compare_digest
from typing import Final, Literal

from sqlalchemy.exc import IntegrityError

from grievance_core import numbers, store
from grievance_core.complaint import Complaint, Deed, Event, words
from grievance_core.deciding import Deciding
from grievance_core.errors import NumberUnreadable, StoreError, StoreFailed, UnknownComplaint
from grievance_core.excluded import ExcludedMatter
from grievance_core.life import as_registered, due_event, replay
from grievance_core.lifecycle import (
    WITH_AN_OFFICER,
    EventKind,
    State,
    feedback_event,
    report_event,
    supporter_event,
)
from grievance_core.lifecycle_drawing import TableRow, printable
from grievance_core.numbers import ComplaintNumber
from grievance_core.officers import Post, PostId, post_by_id, post_for
from grievance_core.registering import Registering, excluded_matter
from grievance_core.store import VoiceMessage
from grievance_core.writing import TRIES, Clock, loaded

__all__ = ["Clock", "Grievances", "NotTold", "Standing"]

log = logging.getLogger(__name__)

PAGE = 200  # complaints that the sweep looks up at once
GIVE_UP_AFTER = 3  # failures of the store in a row, after which the sweep leaves the rest to the next one
PIN_SPAN: Final = timedelta(days=1)  # within which wrong PINs are counted


@dataclass(frozen=True, slots=True)
class NotTold:
    """Why a status is not told on the phone. Only "unreadable" says anything of the number itself.

    "no_match" and "locked" (too many wrong PINs today) do not say whether it exists.
    """

    reason: Literal["unreadable", "no_match", "locked"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller's open complaints stand, for whoever decides how urgent a call is and who should take it."""

    highest_level: int = 0  # 1 to 4; 0 when no complaint is open
    last_agent: str = ""  # who took down the newest of them, "" when nobody did or it is not known


class Grievances(Registering, Deciding):
    """All that the helpline does with complaints.

    Numbers may be given as people write them (see `numbers.parse`). Every method may raise StoreBusy (retryable) or
    StoreFailed; then nothing was changed.
    """

    @staticmethod
    def lifecycle_table() -> tuple[TableRow, ...]:
        """The whole life cycle, state by state, for printing."""
        return printable()

    # Looking up

    async def get(self, number: str) -> Complaint:
        """Raises NumberUnreadable or UnknownComplaint."""
        parsed = numbers.parse(number)
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await loaded(session, parsed)

    async def find(
        self,
        *,
        caller: str | None = None,
        state: State | None = None,
        post: str | None = None,
        limit: int = 50,
    ) -> list[Complaint]:
        """Complaints that meet all conditions given, newest first."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.find(session, caller=caller, state=state, post=post, limit=limit)

    async def history(self, number: str) -> list[Event]:
        """All that happened to a complaint, in order. Raises NumberUnreadable or UnknownComplaint."""
        parsed = numbers.parse(number)
        with store.plain_errors():
            async with self._engine.connect() as session:
                await loaded(session, parsed)
                return await store.events_of(session, parsed)

    async def for_call(self, call_id: str) -> list[Complaint]:
        """What was registered in this call, in order."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.of_call(session, call_id)

    async def awaiting_feedback(self, limit: int = 100, now: datetime | None = None) -> list[Complaint]:
        """Whose citizen is to be rung by `now`, longest due first; supporters of a reported complaint among them."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.awaiting_feedback(session, now or self._clock(), limit)

    async def feedback_of(self, caller: str) -> list[Complaint]:
        """One caller's complaints whose report they have not answered, newest report first: asked when they dial in."""
        if not caller:
            return []
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.feedback_of(session, caller)

    async def open_questions(self, limit: int = 100) -> list[Complaint]:
        """Whose citizen is to be rung with an officer's question, oldest first."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.open_questions(session, limit)

    async def status_of(self, number: str, caller: str, pin: str = "") -> Complaint | NotTold:
        """The complaint for one who calls from its number or keys its PIN; else a refusal without any data.

        Wrong PINs are counted, and after as many as the policy allows in a day none opens this number any more.
        """
        try:
            complaint = await self.get(number)
        except NumberUnreadable:
            return NotTold("unreadable")
        except UnknownComplaint:
            return NotTold("no_match")
        # A withheld number is nobody's, not even that of a complaint registered with a withheld number.
        if caller and caller == complaint.caller:
            return complaint
        return await self._opened_by(complaint, pin) if pin else NotTold("no_match")

    async def _opened_by(self, complaint: Complaint, pin: str) -> Complaint | NotTold:
        now = self._clock()
        with store.plain_errors():
            async with self._engine.begin() as session:
                wrong = await store.wrong_pins_of(session, complaint.number, since=now - PIN_SPAN)
                if wrong >= self._rules.policy.wrong_pins:
                    return NotTold("locked")
                if complaint.pin and compare_digest(complaint.pin.encode(), pin.encode()):
                    return complaint
                await store.add_wrong_pin(session, complaint.number, at=now)
        return NotTold("no_match")

    async def standing_of(self, caller: str) -> Standing:
        """How the open complaints of one who calls stand; a withheld number has none."""
        if not caller:
            return Standing()
        with store.plain_errors():
            async with self._engine.connect() as session:
                found = await store.open_levels(session, caller, limit=PAGE)
        return Standing(
            highest_level=max((level for level, _ in found), default=0),
            last_agent=next((agent for _, agent in found if agent), ""),
        )

    async def rebuilt(self, number: str) -> Complaint:
        """The complaint as its events make it: what is stored must be the same. Raises as `get` does."""
        complaint, events = await self.get(number), await self.history(number)
        return replay(as_registered(complaint, events[0], rules=self._rules), events, rules=self._rules)

    def post_of(self, complaint: Complaint) -> Post:
        """The office that has the complaint, with its title; of one that nobody has, the office it would go to."""
        if complaint.post is not None:
            return post_by_id(self.catalogue, complaint.post)
        category, district = self.catalogue.category(complaint.category), self.catalogue.district(complaint.district)
        return post_for(category, district, complaint.level)

    # The life of a complaint

    async def report(
        self,
        number: str,
        *,
        by: str,
        text: str,
        channel: str = "desk",
        visited: bool | None = None,
        attempt: str | None = None,
    ) -> Complaint:
        """The officer says it is resolved: feedback is wanted and the clock stands still. Raises NotAllowed.

        A demand or a suggestion is answered and closed by it. `visited`: whether the officer was on the spot.
        `attempt`: the id of a report that another system sent, by which one that comes twice is taken once.
        """
        reason = "" if visited is None else "visited" if visited else "not_visited"
        deed = self._deed(by=by, channel=channel, text=words(text, "report"), reason=reason, attempt=attempt)
        return await self._change(number, deed, lambda complaint: report_event(complaint.kind))

    async def feedback(
        self, number: str, *, satisfied: bool, attempt: str, channel: str, by: str = "citizen"
    ) -> Complaint:
        """The citizen's answer: closed, back to the same officer, or to the next level.

        Idempotent by `attempt`: one call has one answer, and the first one told stands. Raises NotAllowed.
        """

        def kind_of(complaint: Complaint) -> EventKind:
            if complaint.state is State.MERGED:
                return supporter_event(satisfied=satisfied, wanted=complaint.feedback_wanted)
            return feedback_event(
                satisfied=satisfied, level=complaint.level, dissatisfied_before=complaint.dissatisfied
            )

        drawn = self._rules.second_call_after(numbers.parse(number), attempt) if satisfied else 0
        return await self._change(number, self._deed(by=by, channel=channel, attempt=attempt, amount=drawn), kind_of)

    async def feedback_missed(
        self, number: str, *, attempt: str, channel: str = "call", reason: str = "", by: str = "dialer"
    ) -> Complaint:
        """The citizen was not reached in a round of calls: counted, and rung again at the lower rhythm.

        `reason` stands in the history that the officer reads, such as a number that is none. Idempotent by `attempt`.
        Raises NotAllowed.
        """
        deed = self._deed(by=by, channel=channel, attempt=attempt, reason=reason)
        return await self._change(number, deed, lambda _: EventKind.FEEDBACK_MISSED)

    # The clock

    async def sweep(self, now: datetime) -> int:
        """Do what the clock brings by `now`: warn, take to the next level (L4: flag), end a search for the citizen.

        How many complaints it did something with.

        Oldest first, each in its own transaction; one that can't be moved is logged and stops no other. Raises
        StoreError only when the store stays locked or down: what was moved stays moved, and the next sweep goes on.
        """
        moved = failed_in_a_row = 0
        after: tuple[datetime, str] | None = None
        while page := await self._due(now, after):
            after = page[-1]
            for _, number in page:
                try:
                    moved += await self._clock_strikes(number, now)
                except StoreError:
                    failed_in_a_row += 1
                    if failed_in_a_row == GIVE_UP_AFTER:
                        raise
                except Exception as error:  # noqa: BLE001  one complaint's fault, whatever it is, must not hold up the others
                    fault = {"error": type(error).__name__, "pii_error": str(error)}
                    log.error(
                        "A complaint whose time ran out could not be moved: look at it by hand",
                        extra={"action": "sweep_failed", "complaint": number, **fault},
                    )
                else:
                    failed_in_a_row = 0
        return moved

    async def _due(self, now: datetime, after: tuple[datetime, str] | None) -> list[tuple[datetime, ComplaintNumber]]:
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.due(session, now, after=after, limit=PAGE)

    async def move_on(self, posts: Iterable[PostId], now: datetime) -> int:
        """Give what lies with these posts, in which nobody is, to who answers for it now; how many complaints moved."""
        moved = 0
        for post in posts:

            def gone(found: Complaint, post: PostId = post) -> EventKind | None:
                return EventKind.OFFICER_GONE if self._has_lost(found, post, now) else None

            after = ""
            while page := await self._at_work_with(post, after):
                after = page[-1]
                for number in page:
                    _, event = await self._happen(number, Deed(at=now, by="clock", channel="clock"), gone)
                    moved += event is not None
        return moved

    def _has_lost(self, complaint: Complaint, post: PostId, now: datetime) -> bool:
        if complaint.post != post or complaint.state not in WITH_AN_OFFICER:
            return False
        it = complaint
        return self._rules.owners(it.category, it.district, it.level, now, it.accused).post != post

    async def _at_work_with(self, post: PostId, after: str) -> list[ComplaintNumber]:
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.at_work_with(session, post, after=after, limit=PAGE)

    async def special_closures(self, since: datetime) -> dict[str, int]:
        """How many special closures each post had since then, most first; one that was objected to counts too."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.special_closures(session, since)

    async def oldest_overdue(self, now: datetime) -> datetime | None:
        """When the time ran out of what should have gone up longest ago and has not; None when all went up."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.oldest_overdue(session, now)

    async def _clock_strikes(self, number: ComplaintNumber, now: datetime) -> bool:
        """Whether the clock did something: a report may have come in since it was found due."""
        for _ in range(TRIES):
            with store.plain_errors():
                async with self._engine.connect() as session:
                    complaint = await loaded(session, number)
            due = due_event(complaint, now, rules=self._rules)
            if due is None:
                return False
            deed = Deed(at=now, by="clock", channel="clock", amount=due[1])

            def kind_of(found: Complaint, due: tuple[EventKind, int] = due) -> EventKind | None:
                return due[0] if due_event(found, now, rules=self._rules) == due else None

            _, event = await self._happen(number, deed, kind_of)
            if event is not None:
                return True
        return False

    # Voice messages and refusals

    async def file_voice_message(self, path: Path, *, caller: str, taken_at: datetime) -> VoiceMessage:
        """Take a recorded complaint into the books. Idempotent by `path`: the same file is filed once."""
        name = str(path)
        for _ in range(TRIES):
            with store.plain_errors():
                async with self._engine.connect() as session:
                    there = await store.voice_message(session, name)
            if there is not None:
                return there
            # Taken already means that another writer filed it between our look and our write.
            with suppress(IntegrityError), store.plain_errors():
                async with self._engine.begin() as session:
                    await store.add_voice_message(
                        session, path=name, caller=caller, taken_at=taken_at, filed_at=self._clock()
                    )
        raise StoreFailed("A voice message was written but can't be read back. See `helpline doctor`.")

    async def voice_messages(self, limit: int = 100) -> list[VoiceMessage]:
        """Recorded complaints, oldest first."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.voice_messages(session, limit)

    async def count_refusal(self, matter: str, caller: str) -> None:
        """Count an excluded matter that was turned away. `matter` is one of ExcludedMatter, else UnknownMatter."""
        excluded = excluded_matter(matter)
        with store.plain_errors():
            async with self._engine.begin() as session:
                await store.add_refusal(session, matter=excluded, caller=caller, at=self._clock())

    async def refusal_counts(self, since: datetime | None = None) -> dict[ExcludedMatter, int]:
        """How many were turned away per matter, since a time or ever."""
        with store.plain_errors():
            async with self._engine.connect() as session:
                counts = await store.refusal_counts(session, since)
        return {matter: counts.get(matter, 0) for matter in ExcludedMatter}
