"""Use cases at the door: registering, what was complained of before, excluded matters, the cap, reminders, merging."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import IntegrityError

from grievance_core import numbers, store
from grievance_core.complaint import Complaint, Deed, Draft, Event, checked, once_key, words
from grievance_core.duplicates import Alike, alike
from grievance_core.errors import CapReached, DraftRefused, NotAllowed, StoreFailed, UnknownMatter
from grievance_core.excluded import ExcludedMatter
from grievance_core.grouping import step
from grievance_core.life import happen, register
from grievance_core.lifecycle import Barred, EventKind, State, merging_event
from grievance_core.outbox.box import enqueue
from grievance_core.tables import Db
from grievance_core.writing import TRIES, Writing, loaded

log = logging.getLogger(__name__)

ALIKE_SPAN: Final = timedelta(days=30)  # older ones are another outage
PIN_DIGITS: Final = 4
OVER_CAP: Final = "over_cap"


class Registering(Writing):
    """Taking complaints in."""

    async def register(self, draft: Draft, *, allowed_by: str = "") -> Complaint:
        """Register a complaint and give it to its L1 officer, in one transaction.

        Idempotent within a call: the same call id, kind, category, district, caller and text give the complaint that
        is there already. Raises DraftRefused (UnknownCategory and UnknownDistrict suggest the nearest); CapReached
        when this phone number has as many this month as the policy allows, unless a supervisor has `allowed_by`.
        """
        return await self._take_in(draft, excluded="", allowed_by=allowed_by)

    async def refuse(self, draft: Draft, *, matter: str) -> Complaint:
        """Turn an excluded matter away, on record and counted. `matter` is one of ExcludedMatter, else UnknownMatter.

        What to tell the citizen stands in `excluded.WHERE_TO_GO`; a supervisor may `override_refusal`.
        """
        return await self._take_in(draft, excluded=excluded_matter(matter), allowed_by="")

    async def _take_in(self, draft: Draft, *, excluded: str, allowed_by: str) -> Complaint:
        draft = self._known(checked(draft))
        key = once_key(draft)
        for _ in range(TRIES):
            try:
                complaint = await self._written(draft, key, excluded=excluded, allowed_by=allowed_by)
            except IntegrityError:  # the number is taken, or the same form came before, perhaps at the same moment
                if key is not None and (there := await self._registered_before(key)):
                    return there
                continue
            log.info("Complaint registered", extra={"action": "complaint_registered", "complaint": complaint.number})
            return complaint
        raise StoreFailed(f"No free complaint number was found in {TRIES} draws. Check the source of random numbers.")

    async def _written(self, draft: Draft, key: str | None, *, excluded: str, allowed_by: str) -> Complaint:
        """The new complaint, with its events, letters and all, in one transaction. IntegrityError as `store.add`."""
        number = numbers.number_for(self._rng.choice(numbers.SERIALS))
        pin = f"{self._rng.randrange(10**PIN_DIGITS):0{PIN_DIGITS}}"
        now = self._clock()
        complaint, told = register(draft, number=number, at=now, rules=self._rules, pin=pin, excluded=excluded)
        events: tuple[Event, ...] = told
        with store.plain_errors():
            async with self._engine.begin() as session:
                if not excluded and await self._over_cap(session, draft, now):
                    if key is not None and (there := await store.by_once_key(session, key)):
                        return there  # it was sent before: that one reached the cap
                    complaint, events = self._allowed(complaint, events, allowed_by)
                await store.add(session, complaint, events, once_key=key)
                await enqueue(session, self._rules.letters(complaint, events), at=now)
                if excluded:
                    matter = ExcludedMatter(excluded)
                    await store.add_refusal(session, matter=matter, caller=draft.caller, at=now)
        return complaint

    def _known(self, draft: Draft) -> Draft:
        return replace(
            draft,
            category=self.catalogue.category(draft.category).code,
            district=self.catalogue.district(draft.district).code,
        )

    async def _over_cap(self, session: Db, draft: Draft, now: datetime) -> bool:
        cap = self._rules.policy.cap_per_month
        if cap is None or not draft.caller or draft.kind == "information":
            return False
        month = now.astimezone(self._rules.calendar.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return await store.count_of_caller(session, draft.caller, since=month) >= cap

    def _allowed(
        self, complaint: Complaint, events: tuple[Event, ...], allowed_by: str
    ) -> tuple[Complaint, tuple[Event, ...]]:
        """With the supervisor's word on record. Raises CapReached without one."""
        if not allowed_by.strip():
            raise CapReached(self._rules.policy.cap_per_month or 0)
        deed = self._deed(by=allowed_by, channel=complaint.channel, reason=OVER_CAP)
        complaint, event = happen(complaint, EventKind.COMMENTED, deed, rules=self._rules)
        return complaint, (*events, event)

    async def _registered_before(self, key: str) -> Complaint | None:
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.by_once_key(session, key)

    async def alike(self, draft: Draft) -> tuple[Alike, ...]:
        """Open complaints that may be about the same trouble: for the agent to remind of or to merge with."""
        draft = self._known(draft)
        since = self._clock() - ALIKE_SPAN
        with store.plain_errors():
            async with self._engine.connect() as session:
                mine = await store.open_of_caller(session, draft.caller, draft.category) if draft.caller else []
                others = await store.open_alike(session, draft.category, draft.district, since=since)
        return alike(draft, {complaint.number: complaint for complaint in (*mine, *others)}.values())

    async def remind(self, number: str, *, text: str, channel: str, by: str = "citizen") -> Complaint:
        """The citizen asks after it again: on record, for the officer to see. Raises NotAllowed when it is closed."""
        deed = self._deed(by=by, channel=channel, text=words(text, "reminder"))
        return await self._change(await self._whole(number), deed, lambda _: EventKind.REMINDED)

    async def merge(self, number: str, *, into: str, by: str, channel: str = "desk") -> Complaint:
        """Make a complaint part of another open one of the same trouble; its citizen is rung about that one's reports.

        Raises NotAllowed when either is closed, or when others stand behind the first.
        """
        child, parent = numbers.parse(number), numbers.parse(into)
        if child == parent:
            raise DraftRefused("A complaint can't become part of itself. Give the other one's number.")
        deed = self._deed(by=by, channel=channel, about=parent)

        async def work(session: Db) -> Complaint:
            whole, part = await loaded(session, parent), await loaded(session, child)
            if whole.state is State.MERGED:
                raise NotAllowed(Barred.PART_OF_ANOTHER.name.lower(), Barred.PART_OF_ANOTHER.value)
            if part.state is State.MERGED:
                raise NotAllowed(Barred.PART_OF_ANOTHER.name.lower(), Barred.PART_OF_ANOTHER.value)
            await step(session, whole, EventKind.SUPPORTED, replace(deed, about=child), rules=self._rules)
            merged, _ = await step(session, part, merging_event(part.supporters), deed, rules=self._rules)
            if whole.state is State.AWAITING_FEEDBACK:
                asked = Deed(at=deed.at, by="clock", channel=channel)
                merged, _ = await step(session, merged, EventKind.PARENT_REPORTED, asked, rules=self._rules)
            return merged

        merged = await self._in_one(work)
        log.info("Complaints merged", extra={"action": "complaint_merged", "complaint": child, "into": parent})
        return merged

    async def supporters_of(self, number: str) -> list[Complaint]:
        """The complaints that are part of this one, in the order of their numbers."""
        parsed = numbers.parse(number)
        with store.plain_errors():
            async with self._engine.connect() as session:
                return await store.parts_of(session, parsed)


def excluded_matter(name: str) -> ExcludedMatter:
    """The excluded matter of this name. Raises UnknownMatter."""
    if name not in set(ExcludedMatter):
        raise UnknownMatter(f"The excluded matter must be one of {', '.join(ExcludedMatter)}.")
    return ExcludedMatter(name)
