"""Stand-ins that ship with the room, and the flows wired to them: for tests of flows and for trying prompts out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from acd.records import CallbackOwed, NotServed, Request, Resumed, Served, WantsMessage
from acd.waiting.session import Aside
from grievance_core.complaint import Complaint, Deed, Draft
from grievance_core.errors import StoreBusy
from grievance_core.life import happen, register
from grievance_core.lifecycle import EventKind, feedback_event
from grievance_core.numbers import SERIALS, number_for
from grievance_core.rules import Rules
from grievance_core.service import NotTold, Standing
from ivr.errors import MemoryUnavailable
from ivr.flows import Flows, Question
from ivr.menu import Menu, shipped_menus
from ivr.speaking import Language
from telephony.call import Call

NOON = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 12:00 in Lucknow
CALLER = "9876543210"
PIN = "0407"


class FakeDesk:
    """A queue in which an agent answers after some seconds of music and hangs up after the talk.

    `resumes`: what is known of the call from before. `ends`: how each wait ends without an agent, in order; when used
    up, an agent comes. `full`: no call is carried; `line_full`: nobody is let in to wait. `offers`: the keys of asides
    that waiting callers may press.
    """

    def __init__(
        self,
        *,
        resumes: Resumed | None = None,
        ends: Iterable[NotServed | CallbackOwed | WantsMessage] = (),
        full: bool = False,
        line_full: bool = False,
        offers: str = "",
        talk_seconds: float = 60.0,
    ) -> None:
        self.requests: list[Request] = []
        self.owed: list[Request] = []  # callbacks of those who were not taken in
        self.served: list[Served] = []  # conversations that are over
        self._resumes = resumes
        self._ends = deque(ends)
        self._full = full
        self._line_full = line_full
        self._offers = offers
        self._talk_seconds = talk_seconds

    async def wait_for_agent(
        self, call: Call, request: Request, *, asides: Mapping[str, Aside]
    ) -> Served | NotServed | CallbackOwed | WantsMessage:
        self.requests.append(request)
        await call.music(True)
        while key := (await call.wait(3.0, keys=self._offers)).key:
            await call.music(False)
            await asides[key](call)
            await call.music(True)
        if self._ends:
            return self._ends.popleft()
        await call.wait(self._talk_seconds)
        served = Served(agent="1001", talk_seconds=self._talk_seconds, recording="", ended_by="agent")
        self.served.append(served)
        return served

    async def resume(self, call: Call) -> Resumed | None:
        return self._resumes

    def full(self) -> bool:
        return self._full

    def line_full(self) -> bool:
        return self._line_full

    async def owe_callback(self, call: Call, request: Request) -> bool:
        if call.caller:
            self.owed.append(request)
        return bool(call.caller)


class FakeComplaints:
    """The grievance core in memory, with the real life cycle. `down`: its database is locked."""

    def __init__(self, *complaints: Complaint, down: bool = False) -> None:
        self.kept = {complaint.number: complaint for complaint in complaints}
        self.answers: dict[str, bool] = {}  # by attempt
        self.refusals: list[tuple[str, str]] = []
        self.pressures: list[tuple[str, str]] = []  # number and channel
        self.down = down
        self._rules = Rules.shipped()

    async def for_call(self, call_id: str) -> list[Complaint]:
        self._look()
        return [complaint for complaint in self.kept.values() if complaint.call_id == call_id]

    async def feedback_of(self, caller: str) -> list[Complaint]:
        self._look()
        return [one for one in self.kept.values() if caller and one.caller == caller and one.feedback_wanted]

    async def status_of(self, number: str, caller: str, pin: str = "") -> Complaint | NotTold:
        self._look()
        found = next((one for one in self.kept.values() if one.number == number), None)
        if found and ((caller and caller == found.caller) or (pin and pin == found.pin)):
            return found
        return NotTold("no_match")

    async def feedback(self, number: str, *, satisfied: bool, attempt: str, channel: str) -> Complaint:
        self._look()
        complaint = next(one for one in self.kept.values() if one.number == number)
        if attempt in self.answers:
            return complaint
        deed = Deed(at=NOON, by="citizen", channel=channel, attempt=attempt)
        kind = feedback_event(satisfied=satisfied, level=complaint.level, dissatisfied_before=complaint.dissatisfied)
        changed, _ = happen(complaint, kind, deed, rules=self._rules)
        self.kept[changed.number] = changed
        self.answers[attempt] = satisfied
        return changed

    async def pressed(self, number: str, *, channel: str, attempt: str) -> Complaint:
        self._look()
        self.pressures.append((number, channel))
        return next(one for one in self.kept.values() if one.number == number)

    async def standing_of(self, caller: str) -> Standing:
        self._look()
        mine = [one for one in self.kept.values() if caller and one.caller == caller and one.is_open]
        return Standing(
            highest_level=max((one.level for one in mine), default=0),
            last_agent=next((one.agent for one in reversed(mine) if one.agent), ""),
        )

    async def count_refusal(self, matter: str, caller: str) -> None:
        self._look()
        self.refusals.append((matter, caller))

    def _look(self) -> None:
        if self.down:
            raise StoreBusy("The database is locked. Try again.")


class FakeSurvey:
    """Asks about one complaint, until it is answered. Every result told is kept, with the call's id."""

    def __init__(self, question: Question | None = None) -> None:
        self.results: list[tuple[str, str]] = []
        self._question = question

    async def question(self, call_id: str) -> Question | None:
        return self._question

    async def finish(self, call_id: str, result: str) -> bool:
        self.results.append((call_id, result))
        return len(self.results) == 1


@dataclass
class FakeLanguages:
    """Remembers languages in memory. `down`: its database does not answer."""

    known: dict[str, Language] = field(default_factory=dict)
    down: bool = False

    async def recall(self, caller: str) -> Language | None:
        self._look()
        return self.known.get(caller)

    async def remember(self, caller: str, language: Language) -> None:
        self._look()
        self.known[caller] = language

    def _look(self) -> None:
        if self.down:
            raise MemoryUnavailable("OperationalError")


@dataclass
class House:
    """The flows and the stand-ins they are wired to."""

    desk: FakeDesk = field(default_factory=FakeDesk)
    complaints: FakeComplaints = field(default_factory=FakeComplaints)
    survey: FakeSurvey = field(default_factory=FakeSurvey)
    languages: FakeLanguages = field(default_factory=FakeLanguages)
    menus: Mapping[str, Menu] = field(default_factory=shipped_menus)
    messages_folder: Path = Path("/nowhere")
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Kolkata"))
    now: datetime = NOON

    @property
    def flows(self) -> Flows:
        return Flows(
            desk=self.desk,
            complaints=self.complaints,
            survey=self.survey,
            languages=self.languages,
            menus=self.menus,
            messages_folder=self.messages_folder,
            zone=self.zone,
            clock=lambda: self.now,
        )


def a_complaint(
    *,
    serial: int = 0,
    caller: str = CALLER,
    call_id: str | None = None,
    agent: str | None = None,
    events: Sequence[EventKind] = (),
) -> Complaint:
    """A complaint about a burnt transformer in Lucknow, after the events."""
    rules = Rules.shipped()
    draft = Draft(
        category="ENE-02", district="162", text="ट्रांसफार्मर जला है", caller=caller, call_id=call_id, agent=agent
    )
    complaint, _ = register(draft, number=number_for(SERIALS[serial]), at=NOON, rules=rules, pin=PIN)
    for kind in events:
        complaint, _ = happen(complaint, kind, Deed(at=NOON, by="test", channel="test"), rules=rules)
    return complaint


def awaiting_feedback(*, serial: int = 0, caller: str = CALLER) -> Complaint:
    """One that the officer has reported solved."""
    return a_complaint(serial=serial, caller=caller, events=[EventKind.REPORTED])
