"""`Call`: the one object through which all code speaks to a citizen's channel, and the values its verbs return.

Flows annotate their argument with `Call`. `telephony.agi_call.AgiCall` is the real one, made by the FastAGI server for
each session; `telephony.testing.ScriptedCall` stands in for it in tests and in the simulator. One coroutine is one
call: its verbs are awaited one at a time, by the coroutine that owns it; only `wake` may be called by others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NewType, Protocol

CallId = NewType("CallId", str)
"""Asterisk's Uniqueid of a channel. For an outgoing call it is the ChannelId that the engine chose."""

DialStatus = Literal["ANSWER", "BUSY", "NOANSWER", "CANCEL", "CONGESTION", "CHANUNAVAIL", "INVALIDARGS", "FAILED"]
"""DIALSTATUS of Asterisk; FAILED is ours for a Dial that told none."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What ended a `play` or a `wait`: a key, a wake, or (both empty) its natural end."""

    key: str = ""
    woken: bool = False


@dataclass(frozen=True, slots=True)
class Digits:
    """What was typed, without the end key. `full`: all digits; `end`: # was pressed; `silence`: time is up."""

    keys: str
    ended: Literal["full", "end", "silence"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording on disk: its length, and what ended it (`full`: max_seconds were reached)."""

    seconds: float
    ended: Literal["key", "silence", "full", "hang_up"]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Dialled:
    """How a `dial` or `bridge` went. `cause` is the Q.850 cause (0: not told). Seconds are those of this dial alone.

    `by`: the channel that answered, such as `PJSIP/agent-1001-0000002a`; empty when none did, or it was not told.
    """

    status: DialStatus
    cause: int = 0
    ring_seconds: float = 0.0
    talk_seconds: float = 0.0
    by: str = ""

    @property
    def answered(self) -> bool:
        return self.status == "ANSWER"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """Who calls whom on which channel. `path` is what the dialplan asked for: "citizen", "feedback"."""

    id: CallId
    channel: str
    caller: str
    dialled: str
    path: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Waker(Protocol):
    """Who can put a DTMF digit into a channel from outside (`AmiLink`; `telephony.testing.FakeWaker`)."""

    async def play_dtmf(self, channel: str, digit: str) -> None: ...


class Call(ABC):
    """One citizen's call. Every verb raises `HungUp` when the caller is gone: the expected end of every flow."""

    info: CallInfo

    @property
    def id(self) -> CallId:
        return self.info.id

    @property
    def channel(self) -> str:
        """Asterisk's channel name, such as `PJSIP/trunk-00000001`."""
        return self.info.channel

    @property
    def caller(self) -> str:
        """The caller's number as `telephony.numbers.national` writes it; empty when withheld."""
        return self.info.caller

    @property
    def dialled(self) -> str:
        return self.info.dialled

    @property
    def path(self) -> str:
        return self.info.path

    @property
    @abstractmethod
    def gone(self) -> bool:
        """Whether the caller is known to be gone; never raises."""

    @abstractmethod
    def wake(self) -> None:
        """End the wakeable `play` or `wait` now, because state that the call looks at was changed.

        Level-triggered: a wake that comes while nothing wakeable runs makes the next wakeable verb return at once.
        """

    @abstractmethod
    async def answer(self) -> None:
        """Answer the channel, without waiting for the caller's first sound (which costs up to 500 ms)."""

    @abstractmethod
    async def play(self, *prompts: str, keys: str = "", wakeable: bool = False) -> Heard:
        """Play prompts one after another; one of `keys` cuts in and is returned.

        A prompt is a sound path for Asterisk, without extension. One that cannot be played is logged and passed over:
        a missing file must not end a call. Music on hold pauses for the prompts and comes back by itself.
        With the AMI link down, a wake during a prompt is seen only at the prompt's end.
        """

    @abstractmethod
    async def ask(self, *prompts: str, digits: int, seconds: float = 5.0, gap: float = 3.0) -> Digits:
        """Play prompts and collect up to `digits` keys; # ends early, a first key cuts the prompts short.

        `seconds`: how long to wait for the first key after the prompts; `gap`: for each further one. Keys that were
        pressed before this `ask` do not count: there is no type-ahead across verbs.
        """

    @abstractmethod
    async def wait(self, seconds: float, *, keys: str = "", wakeable: bool = True) -> Heard:
        """Wait on whatever is heard (music), until the time is up, one of `keys` is pressed, or a wake comes."""

    @abstractmethod
    async def record(
        self, file: Path, *, max_seconds: float, silence_seconds: float, keys: str = "#", beep: bool = True
    ) -> Recorded:
        """Record the caller into `file` (its suffix is the format: .wav). `silence_seconds` 0: silence does not end it.

        Music goes on while it runs: set it off before. When the caller hangs up instead, the file is kept and
        `HungUp.recorded` tells of it.
        """

    @abstractmethod
    async def dial(
        self,
        target: str | Sequence[str],
        *,
        ring_seconds: int,
        music: bool = True,
        caller_id: str | None = None,
        auto_answer: bool = False,
    ) -> Dialled:
        """Ring `target` (`PJSIP/agent-1001`), the caller hearing music, and talk until either side hangs up.

        Several targets are rung at once; who answers first has the caller (`Dialled.by`), the others stop ringing.
        `caller_id`: the number shown to the called one, else the caller's. `auto_answer`: ask the phone to pick up by
        itself; desk phones that are set up for it do. When the caller hangs up (or is transferred:
        `HungUp.transferred`) during it, `HungUp.dialled` tells how it went.
        """

    @abstractmethod
    async def bridge(self, channel: str, *, tone: bool = False) -> Dialled:
        """Connect with `channel`, which is there already (an off-hook agent's), and talk until either side leaves.

        Music ends first. `tone`: the other side hears a short tone before the caller, who waits for it too. Nothing
        rings. Status CHANUNAVAIL: the channel was gone, nobody talked. Otherwise ends are told as those of `dial`. The
        other channel's own session ends with `HungUp.taken`, and comes back in a new one after the talk.
        """

    @abstractmethod
    async def start_recording(self, file: Path) -> None:
        """Record both sides into `file` while the call is bridged. Read it only after the end: it is buffered."""

    @abstractmethod
    async def stop_recording(self) -> None: ...

    @abstractmethod
    async def music(self, on: bool) -> None:
        """Music on hold. A `dial` with music or a `bridge` ends it: set it on again after one that found nobody."""

    @abstractmethod
    async def get(self, name: str) -> str:
        """A channel variable or function; empty when unset. Works after a hang-up too."""

    @abstractmethod
    async def set(self, name: str, value: str) -> None:
        """Set a channel variable or function. Works after a hang-up too."""

    @abstractmethod
    async def execute(self, app: str, *args: str, seconds: float | None = None) -> str:
        """Run a dialplan application; returns its result. `seconds`: how long it may take (None: no limit)."""

    @abstractmethod
    async def hang_up(self) -> None:
        """Hang up on the caller. No verb raises for it; those after it raise `HungUp`."""

    @abstractmethod
    async def done(self) -> None:
        """Tell the dialplan that the engine is finished: it hangs up after the session instead of coming back.

        Does nothing for a caller who was transferred away: their call goes on.
        """
