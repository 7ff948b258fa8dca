"""The grievance core's use cases: each loads, asks the domain, and commits in one transaction."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from grievance_core import numbers, store
from grievance_core.catalogue import LEVELS, Catalogue
from grievance_core.complaint import (
    CHANNEL_LIMIT,
    Complaint,
    Deed,
    Draft,
    Event,
    ExcludedMatter,
    SpecialReason,
    checked,
    closure_kind,
    feedback_kind,
    happen,
    once_key,
    register,
    short,
    time_kind,
    words,
)
from grievance_core.errors import (
    ChangedMeanwhile,
    DraftRefused,
    NumberUnreadable,
    StoreError,
    StoreFailed,
    UnknownComplaint,
    UnknownMatter,
)
from grievance_core.lifecycle import EventKind, State, TableRow, printable
from grievance_core.numbers import ComplaintNumber
from grievance_core.officers import Post, post_for
from grievance_core.store import VoiceMessage

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

TRIES = 5  # how often a write that met another one is tried anew
PAGE = 200  # complaints that the sweep looks up at once
GIVE_UP_AFTER = 3  # failures of the store in a row, after which the sweep leaves the rest to the next one


@dataclass(frozen=True, slots=True)
class NotTold:
    """Why a status is not told on the phone. "no_match" does not say whether the number exists."""

    reason: Literal["unreadable", "no_match"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller's open complaints stand, for whoever decides how urgent a call is and who should take it."""

    highest_level: int = 0  # 1 to 4; 0 when no complaint is open
    last_agent: str = ""  # who took down the newest of them, "" when nobody did or it is not known


class Grievances:
    """All that the helpline does with complaints.

    Numbers may be given as people write them (see `numbers.parse`). Every method may raise StoreBusy (retryable) or
    StoreFailed; then nothing was changed.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        *,
        catalogue: Catalogue,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        """`rng` draws the complaint numbers: the system's secure source unless a test gives a seeded one."""
        self._sessions = sessions
        self._catalogue = catalogue
        self._clock = clock
        self._rng = rng or random.SystemRandom()

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    @staticmethod
    def lifecycle_table() -> tuple[TableRow, ...]:
        """The whole life cycle, state by state, for printing."""
        return printable()

    # Registering

    async def register(self, draft: Draft) -> Complaint:
        """Register a complaint and give it to its L1 officer, in one transaction.

        Idempotent within a call: the same call id, kind, category, district, caller and text give the complaint that
        is there already. Raises DraftRefused (UnknownCategory and UnknownDistrict suggest the nearest).
        """
        draft = checked(draft)
        draft = replace(
            draft,
            category=self._catalogue.category(draft.category).code,
            district=self._catalogue.district(draft.district).code,
        )
        key = once_key(draft)
        for _ in range(TRIES):
            if key is not None and (there := await self._registered_before(key)):
                return there
            number = numbers.number_for(self._rng.choice(numbers.SERIALS))
            complaint, events = register(draft, number=number, at=self._clock(), catalogue=self._catalogue)
            try:
                with store.plain_errors():
                    async with self._sessions.begin() as session:
                        await store.add(session, complaint, events, once_key=key)
            except IntegrityError:
                continue  # the number is taken, or the same form arrived twice at the same moment
            log.info("Complaint registered", extra={"action": "complaint_registered", "complaint": number})
            return complaint
        raise StoreFailed(f"No free complaint number was found in {TRIES} draws. Check the source of random numbers.")

    async def _registered_before(self, key: str) -> Complaint | None:
        with store.plain_errors():
            async with self._sessions() as session:
                return await store.by_once_key(session, key)

    # Looking up

    async def get(self, number: str) -> Complaint:
        """Raises NumberUnreadable or UnknownComplaint."""
        parsed = numbers.parse(number)
        with store.plain_errors():
            async with self._sessions() as session:
                return await _load(session, parsed)

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
            async with self._sessions() as session:
                return await store.find(session, caller=caller, state=state, post=post, limit=limit)

    async def history(self, number: str) -> list[Event]:
        """All that happened to a complaint, in order. Raises NumberUnreadable or UnknownComplaint."""
        parsed = numbers.parse(number)
        with store.plain_errors():
            async with self._sessions() as session:
                await _load(session, parsed)
                return await store.events_of(session, parsed)

    async def for_call(self, call_id: str) -> list[Complaint]:
        """What was registered in this call, in order."""
        with store.plain_errors():
            async with self._sessions() as session:
                return await store.of_call(session, call_id)

    async def awaiting_feedback(self, limit: int = 100) -> list[Complaint]:
        """Whose citizen is to be asked, oldest report first."""
        with store.plain_errors():
            async with self._sessions() as session:
                return await store.awaiting_feedback(session, limit)

    async def status_of(self, number: str, caller: str) -> Complaint | NotTold:
        """The complaint for one who calls from the number it was registered from; else a refusal without any data."""
        try:
            complaint = await self.get(number)
        except NumberUnreadable:
            return NotTold("unreadable")
        except UnknownComplaint:
            return NotTold("no_match")
        # A withheld number is nobody's, not even that of a complaint registered with a withheld number.
        return complaint if caller and caller == complaint.caller else NotTold("no_match")

    async def standing_of(self, caller: str) -> Standing:
        """How the open complaints of one who calls stand; a withheld number has none."""
        if not caller:
            return Standing()
        with store.plain_errors():
            async with self._sessions() as session:
                found = await store.open_levels(session, caller, limit=PAGE)
        return Standing(
            highest_level=max((level for level, _ in found), default=0),
            last_agent=next((agent for _, agent in found if agent), ""),
        )

    def post_of(self, complaint: Complaint) -> Post:
        """The office of the complaint's present level, with its title."""
        return post_for(
            self._catalogue.category(complaint.category), self._catalogue.district(complaint.district), complaint.level
        )

    # The life of a complaint

    async def report(self, number: str, *, by: str, text: str, channel: str = "desk") -> Complaint:
        """The officer says it is resolved: feedback is wanted and the clock stands still. Raises NotAllowed."""
        deed = self._deed(by=by, channel=channel, text=words(text, "report"))
        return await self._change(number, deed, lambda complaint: EventKind.REPORTED)

    async def feedback(
        self, number: str, *, satisfied: bool, attempt: str, channel: str, by: str = "citizen"
    ) -> Complaint:
        """The citizen's answer: closed, back to the same officer, or to the next level.

        Idempotent by `attempt`: one call has one answer, and the first one told stands. Raises NotAllowed.
        """
        deed = self._deed(by=by, channel=channel, attempt=attempt)
        return await self._change(number, deed, lambda complaint: feedback_kind(complaint, satisfied=satisfied))

    async def feedback_missed(self, number: str, *, attempt: str, channel: str = "call") -> Complaint:
        """The citizen was not reached: counted, and still to be asked. Idempotent by `attempt`. Raises NotAllowed."""
        deed = self._deed(by="dialer", channel=channel, attempt=attempt)
        return await self._change(number, deed, lambda complaint: EventKind.FEEDBACK_MISSED)

    async def close_specially(
        self, number: str, *, by: str, level: int, reason: str, text: str, report: str, channel: str = "desk"
    ) -> Complaint:
        """Close although the citizen is not satisfied: by an officer of `level` 2 to 4, with all of it on record.

        `reason` is one of SpecialReason, `text` explains it, `report` says what was found. Raises NotAllowed or
        DraftRefused.
        """
        if level not in LEVELS:
            raise DraftRefused("The officer's level must be 1, 2, 3 or 4.")
        if reason not in set(SpecialReason):
            raise DraftRefused(f"The reason must be one of {', '.join(SpecialReason)}.")
        deed = self._deed(
            by=by,
            channel=channel,
            text=words(text, "explanation"),
            report=words(report, "report"),
            reason=reason,
        )
        return await self._change(number, deed, lambda complaint: closure_kind(complaint, by_level=level))

    async def sweep(self, now: datetime) -> int:
        """Take complaints whose time ran out by `now` to the next level (L4: flag them); how many.

        Oldest first, each in its own transaction; one that can't be moved is logged and stops no other. Raises
        StoreError only when the store stays locked or down: what was moved stays moved, and the next sweep goes on.
        """
        moved = failed_in_a_row = 0
        after: tuple[datetime, str] | None = None
        while page := await self._due(now, after):
            after = page[-1]
            for _, number in page:
                try:
                    moved += await self._time_ran_out(number, now)
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
            async with self._sessions() as session:
                return await store.due(session, now, after=after, limit=PAGE)

    async def _time_ran_out(self, number: ComplaintNumber, now: datetime) -> bool:
        """Whether it was moved: a report may have come in since it was found due."""
        deed = Deed(at=now, by="clock", channel="clock")
        _, event = await self._happen(number, deed, lambda complaint: time_kind(complaint, now))
        return event is not None

    def _deed(
        self, *, by: str, channel: str, text: str = "", report: str = "", reason: str = "", attempt: str | None = None
    ) -> Deed:
        if attempt is not None and not attempt.strip():
            raise DraftRefused("The attempt's id is empty. Give the id of the feedback call.")
        return Deed(
            at=self._clock(),
            by=short(by, "name of who did it"),
            channel=short(channel, "channel", limit=CHANNEL_LIMIT),
            text=text,
            report=report,
            reason=reason,
            attempt=None if attempt is None else short(attempt, "attempt's id"),
        )

    async def _change(self, number: str, deed: Deed, kind_of: Callable[[Complaint], EventKind]) -> Complaint:
        complaint, _ = await self._happen(numbers.parse(number), deed, kind_of)
        return complaint

    async def _happen(
        self, number: ComplaintNumber, deed: Deed, kind_of: Callable[[Complaint], EventKind | None]
    ) -> tuple[Complaint, Event | None]:
        """Load, ask, commit; when another writer was faster, the domain is asked anew about what that one left.

        The event is None when nothing was to be done. Raises ChangedMeanwhile after TRIES lost races.
        """
        for _ in range(TRIES):
            with suppress(ChangedMeanwhile, IntegrityError):
                complaint, event = await self._happen_once(number, deed, kind_of)
                if event is not None:
                    moved = {"action": f"complaint_{event.kind}", "complaint": number, "state": event.state}
                    log.info("Complaint moved on", extra=moved)
                return complaint, event
        raise ChangedMeanwhile

    async def _happen_once(
        self, number: ComplaintNumber, deed: Deed, kind_of: Callable[[Complaint], EventKind | None]
    ) -> tuple[Complaint, Event | None]:
        with store.plain_errors():
            async with self._sessions.begin() as session:
                complaint = await _load(session, number)
                if deed.attempt is not None and await store.attempt_told(session, number, deed.attempt):
                    # Another writer may have told it after we loaded: what stands now is the answer.
                    return await _load(session, number), None
                kind = kind_of(complaint)
                if kind is None:
                    return complaint, None
                changed, event = happen(complaint, kind, deed, catalogue=self._catalogue)
                await store.save(session, changed, event)
                return changed, event

    # Voice messages and refusals

    async def file_voice_message(self, path: Path, *, caller: str, taken_at: datetime) -> VoiceMessage:
        """Take a recorded complaint into the books. Idempotent by `path`: the same file is filed once."""
        name = str(path)
        for _ in range(TRIES):
            with store.plain_errors():
                async with self._sessions() as session:
                    there = await store.voice_message(session, name)
            if there is not None:
                return there
            # Taken already means that another writer filed it between our look and our write.
            with suppress(IntegrityError), store.plain_errors():
                async with self._sessions.begin() as session:
                    await store.add_voice_message(
                        session, path=name, caller=caller, taken_at=taken_at, filed_at=self._clock()
                    )
        raise StoreFailed("A voice message was written but can't be read back. See `helpline doctor`.")

    async def voice_messages(self, limit: int = 100) -> list[VoiceMessage]:
        """Recorded complaints, oldest first."""
        with store.plain_errors():
            async with self._sessions() as session:
                return await store.voice_messages(session, limit)

    async def count_refusal(self, matter: str, caller: str) -> None:
        """Count an excluded matter that was turned away. `matter` is one of ExcludedMatter, else UnknownMatter."""
        if matter not in set(ExcludedMatter):
            raise UnknownMatter(f"The excluded matter must be one of {', '.join(ExcludedMatter)}.")
        with store.plain_errors():
            async with self._sessions.begin() as session:
                await store.add_refusal(session, matter=ExcludedMatter(matter), caller=caller, at=self._clock())

    async def refusal_counts(self, since: datetime | None = None) -> dict[ExcludedMatter, int]:
        """How many were turned away per matter, since a time or ever."""
        with store.plain_errors():
            async with self._sessions() as session:
                counts = await store.refusal_counts(session, since)
        return {matter: counts.get(matter, 0) for matter in ExcludedMatter}


async def _load(session: AsyncSession, number: ComplaintNumber) -> Complaint:
    complaint = await store.load(session, number)
    if complaint is None:
        raise UnknownComplaint(
            "No complaint has this number. Check it with the caller, or search by their phone number."
        )
    return complaint
