"""`Call` over a FastAGI session. What each command does was read in Asterisk 22 and tried: see asterisk-facts.md."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from telephony.agi import Answer, Limits, quoted
from telephony.call import Call, CallId, CallInfo, Dialled, Digits, Heard, Recorded, Waker
from telephony.errors import ActionRefused, ActionTimedOut, CommandRefused, HungUp, LinkDown, TelephonyError
from telephony.events import dial_status
from telephony.numbers import national
from telephony.session import Session

log = logging.getLogger(__name__)

ALL_KEYS: Final = "0123456789*#"
WAKE_KEY: Final = "D"
WAKE_AGAIN_SECONDS: Final = 0.25
SLICE_SECONDS: Final = 2.0
"""A wait is cut into slices, so that a wake is noticed although the AMI link is down."""
SAMPLES_PER_SECOND: Final = 8000
LONGEST_WAIT_SECONDS: Final = 3600.0
AUTO_ANSWER: Final = "b(auto-answer^s^1)"
"""Of Dial: the dialplan's [auto-answer] adds to each INVITE what desk phones pick up by."""
NOBODY_TALKED_SECONDS: Final = 0.1
NORMAL_CLEARING: Final = 16
_NO_EXTENSION: Final = frozenset({"", "s", "h", "i", "t", "unknown"})


def call_info(environment: Mapping[str, str]) -> CallInfo:
    """Who calls whom, from what Asterisk tells at the beginning of a session."""
    script = environment.get("network_script", "")
    extension = environment.get("extension", "")
    if extension.lower() in _NO_EXTENSION:
        extension = environment.get("dnid", "")
    return CallInfo(
        id=CallId(environment["uniqueid"]),
        channel=environment["channel"],
        caller=national(environment.get("callerid", "")),
        dialled="" if extension.lower() in _NO_EXTENSION else extension,
        path=script.partition("?")[0].strip("/"),
        environment=environment,
    )


class AgiCall(Call):
    """The real call. `missing` is shared by all calls of a server: a prompt that cannot be played is logged once."""

    def __init__(
        self, session: Session, environment: Mapping[str, str], *, waker: Waker, limits: Limits, missing: set[str]
    ) -> None:
        self.info = call_info(environment)
        self._session = session
        self._waker = waker
        self._limits = limits
        self._missing = missing
        self._woken = False
        self._listening = False
        self._nudging: asyncio.Task[None] | None = None
        self._may_be_transferred = False
        self._transferred = False
        self._taken = False
        self._answered_at: float | None = None
        # What the dialplan tells with the call (tries, state, BLINDTRANSFER) is neither asked for nor set.
        self._tries, self._state = environment.get("arg_1", ""), environment.get("arg_2", "")
        self._old_transfer = environment.get("arg_3", "unknown") != ""

    @property
    def gone(self) -> bool:
        return self._session.hung_up

    def wake(self) -> None:
        self._woken = True
        if self._listening and self._nudging is None:
            self._nudging = asyncio.create_task(self._nudge(), name=f"wake {self.channel}")

    def note_answer(self) -> None:
        """The called one answered just now (AMI tells; the channel itself does not know)."""
        self._answered_at = asyncio.get_running_loop().time()

    async def attached(self) -> None:
        """Tell the dialplan that a controller is there: it counts its tries to reach one anew."""
        if self._tries != "0":
            await self.set("tries", "0")

    async def answer(self) -> None:
        if self._state != "Up":
            await self._exec("Answer", "", "i")
            self._state = "Up"

    async def play(self, *prompts: str, keys: str = "", wakeable: bool = False) -> Heard:
        if wakeable and self._take_wake():
            return Heard(woken=True)
        for prompt in prompts:
            heard = await self._stream(prompt, _checked(keys), wakeable=wakeable)
            if heard.key or heard.woken:
                return heard
        return Heard()

    async def ask(self, *prompts: str, digits: int, seconds: float = 5.0, gap: float = 3.0) -> Digits:
        keys = (await self.play(*prompts, keys=ALL_KEYS)).key
        if not keys:
            keys = (await self.wait(seconds, keys=ALL_KEYS, wakeable=False)).key
        if not keys:
            return Digits("", "silence")
        if keys == "#":
            return Digits("", "end")
        while len(keys) < digits:
            # From the second key on Asterisk itself collects, so that a fast typist is not cut by a slow event loop.
            wanted = digits - len(keys)
            answer = await self._run("GET DATA", '""', str(_milliseconds(gap)), str(wanted), seconds=gap * wanted)
            typed = "".join(key for key in answer.result if key in ALL_KEYS)
            keys += typed
            if answer.result == "-1" or answer.data == "timeout":
                return Digits(keys, "silence")
            if typed == answer.result and len(typed) < wanted:
                return Digits(keys, "end")
        return Digits(keys, "full")

    async def wait(self, seconds: float, *, keys: str = "", wakeable: bool = True) -> Heard:
        _checked(keys)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            if wakeable and self._take_wake():
                return Heard(woken=True)
            length = min(max(until - loop.time(), 0.001), SLICE_SECONDS if wakeable else LONGEST_WAIT_SECONDS)
            words = ("WAIT FOR DIGIT", str(_milliseconds(length)))
            key = _key(await self._run(*words, seconds=length, wakeable=wakeable), words)
            if key and key in keys:
                return Heard(key)
            if loop.time() >= until:
                return Heard(woken=True) if wakeable and self._take_wake() else Heard()

    async def record(
        self, file: Path, *, max_seconds: float, silence_seconds: float, keys: str = "#", beep: bool = True
    ) -> Recorded:
        name, form = quoted(str(file.with_suffix(""))), file.suffix.removeprefix(".")
        words = ["RECORD FILE", name, form, quoted(_checked(keys)), str(_milliseconds(max_seconds))]
        if silence_seconds > 0:
            # Asterisk cuts the silence off the file but for a second, and takes whole seconds only.
            words += [f"s={math.ceil(silence_seconds)}"]
        loop = asyncio.get_running_loop()
        if beep and (key := (await self._stream("beep", keys, wakeable=False)).key):
            return Recorded(0.0, "key", key)
        began = loop.time()
        answer = await self._command(*words, seconds=max_seconds)
        length = answer.end / SAMPLES_PER_SECOND
        if answer.result == "-1":
            await self._look_for_hang_up(Recorded(length, "hang_up"))
            raise CommandRefused(" ".join(words), f"{answer}; can Asterisk write to {file.parent}?")
        if answer.data == "dtmf":
            return Recorded(length, "key", _key(answer, words))
        in_time = silence_seconds > 0 and loop.time() - began < max_seconds - 0.1
        return Recorded(length, "silence" if in_time else "full")

    async def dial(
        self,
        target: str | Sequence[str],
        *,
        ring_seconds: int,
        music: bool = True,
        caller_id: str | None = None,
        auto_answer: bool = False,
    ) -> Dialled:
        targets = target if isinstance(target, str) else "&".join(target)
        options = "gm(default)" if music else "g"
        options += f"f({caller_id})" if caller_id else ""
        options += AUTO_ANSWER if auto_answer else ""
        self._answered_at = None
        began = asyncio.get_running_loop().time()
        return await self._talk(self.execute("Dial", targets, str(ring_seconds), options), self._dialled, began)

    async def bridge(self, channel: str, *, tone: bool = False) -> Dialled:
        await self.music(False)  # it would go on beside the agent's voice
        began = asyncio.get_running_loop().time()
        connect = self.execute("Bridge", channel, *(["p"] if tone else []))
        return await self._talk(connect, partial(self._bridged, channel), began)

    async def _talk(
        self, connect: Awaitable[object], result: Callable[[float], Awaitable[Dialled]], began: float
    ) -> Dialled:
        """Be connected with somebody, and tell how it went, whichever way it ends."""
        left: HungUp | None = None
        try:
            await connect
        except HungUp as end:
            left = end
        dialled = await result(began)
        if left is None and self.gone:  # 0 is answered, then HANGUP comes: a blind transfer, or the end of a bridge
            left = await self._hang_up()
        if left is not None:
            left.dialled = dialled
            raise left
        return dialled

    async def _bridged(self, channel: str, began: float) -> Dialled:
        """How the Bridge went, and forget it in the channel as `_dialled` does."""
        talked = asyncio.get_running_loop().time() - began
        try:
            told = await self._value("${SHIFT(BRIDGERESULT)}|${BLINDTRANSFER}")
            status, _, transfer = told.partition("|")
            self._old_transfer = transfer != ""
        except TelephonyError:
            return Dialled("FAILED")
        # A channel that ended at the moment it was wanted is told as a success that nobody had time to hear.
        if status == "SUCCESS" and talked > NOBODY_TALKED_SECONDS:
            return Dialled("ANSWER", NORMAL_CLEARING, 0.0, talked, channel)
        return Dialled("CHANUNAVAIL" if status in ("SUCCESS", "NONEXISTENT") else "FAILED")

    async def _dialled(self, began: float) -> Dialled:
        """How the Dial went, and forget it in the channel, so that nobody reads it as the end of a later one.

        ANSWEREDTIME is of no use: Asterisk 22 counts it from the answer of the caller's own channel (app_dial.c,
        end_bridge_callback), and our callers were answered long before. So AMI tells the moment of the answer; without
        it the ringing is what the phone told of it, and the rest counts as talk.
        """
        ended = asyncio.get_running_loop().time()
        try:
            # SHIFT reads and forgets in one.
            told = await self._value(
                "${SHIFT(DIALSTATUS)}|${HANGUPCAUSE}|${RINGTIME_MS}|${DIALEDPEERNAME}|${BLINDTRANSFER}"
            )
            status, cause, ring, by, transfer = f"{told}||||".split("|")[:5]
            self._old_transfer = transfer != ""
        except TelephonyError:
            return Dialled("FAILED", 0, ended - began)
        answered = self._answered_at
        if answered is None:
            answered = min(began + int(ring or 0) / 1000, ended) if status == "ANSWER" else ended
        by = by if status == "ANSWER" else ""
        return Dialled(dial_status(status), int(cause or 0), answered - began, ended - answered, by)

    async def start_recording(self, file: Path) -> None:
        await self._exec("MixMonitor", str(file), "b")

    async def stop_recording(self) -> None:
        await self._exec("StopMixMonitor")

    async def music(self, on: bool) -> None:
        await self._run("SET MUSIC", "ON" if on else "OFF", "default")

    async def get(self, name: str) -> str:
        answer = await self._command("GET VARIABLE", quoted(name))
        return answer.data if answer.result == "1" else ""

    async def set(self, name: str, value: str) -> None:
        await self._command("SET VARIABLE", quoted(name), quoted(value))

    async def execute(self, app: str, *args: str, seconds: float | None = None) -> str:
        if not self.gone:
            if self._old_transfer:  # of this channel: what is set after a hang-up must be of this application
                await self.set("BLINDTRANSFER", "")
            self._old_transfer = True
            self._may_be_transferred = True
        return await self._exec(app, *args, seconds=seconds)

    async def _exec(self, app: str, *args: str, seconds: float | None = 0.0) -> str:
        if any("," in arg for arg in args[:-1]):
            raise ValueError(f"a comma in an argument of {app}: Asterisk would read two")
        words = ("EXEC", app, quoted(",".join(args)))
        answer = await self._run(*words, seconds=seconds)
        if answer.result == "-2":
            raise CommandRefused(" ".join(words), "there is no such application, or its module is not loaded")
        return answer.result

    async def hang_up(self) -> None:
        try:
            if not self.gone:
                await self._session.command("HANGUP")
        except HungUp:
            pass
        finally:
            self._session.hung_up = True

    async def done(self) -> None:
        if self.gone:
            await self._hang_up()
        if not self._transferred and not self._taken:  # both go on in the dialplan, and may come back to the engine
            await self.set("ENGINE_DONE", "1")

    async def _stream(self, prompt: str, keys: str, *, wakeable: bool) -> Heard:
        """Play one prompt, going on where it stopped when a D comes that is not from us."""
        start = 0
        while True:
            escape = quoted(keys + WAKE_KEY if wakeable else keys)
            words = ("STREAM FILE", quoted(prompt), escape, str(start))
            answer = await self._run(*words, seconds=self._limits.prompt_seconds, wakeable=wakeable)
            if answer.result == "-1":
                self._note_missing(prompt)
                return Heard()
            key = _key(answer, words)
            if key and key in keys:
                return Heard(key)
            if wakeable and self._take_wake():
                return Heard(woken=True)
            if not key:
                return Heard()
            start = answer.end

    def _note_missing(self, prompt: str) -> None:
        if prompt not in self._missing:
            self._missing.add(prompt)
            log.warning(
                "A prompt cannot be played; calls go on without it. Is its file in Asterisk's sounds?",
                extra={"action": "prompt_missing", "prompt": prompt},
            )

    async def _run(self, *words: str, seconds: float | None = 0.0, wakeable: bool = False) -> Answer:
        """A command that needs the caller to be there; a result of -1 that comes back is a failure, not a hang-up."""
        if self.gone:
            raise await self._hang_up()
        if wakeable:
            answer = await self._woken_command(*words, seconds=seconds)
        else:
            answer = await self._command(*words, seconds=seconds)
        if answer.result == "-1":
            await self._look_for_hang_up()
        return answer

    async def _look_for_hang_up(self, recorded: Recorded | None = None) -> None:
        """Tell a failure (returns) from a hang-up (raises) after an answer of -1, which Asterisk gives for both.

        After a hang-up it says HANGUP before it reads another command (run_agi in res_agi.c), so the answer to one more
        command is late enough to know. The command asked is the channel's name: of one that a bridge took, what is left
        in this session goes by another.
        """
        name = (await self._session.command("GET FULL VARIABLE", "${CHANNEL}")).data
        if self.gone:
            self._taken = name.startswith("Surrogate/")
            raise await self._hang_up(recorded)

    async def _hang_up(self, recorded: Recorded | None = None) -> HungUp:
        """The end as it is to be raised: after an application, the channel is asked whether it was a transfer."""
        if self._may_be_transferred:
            self._may_be_transferred = False
            with suppress(TelephonyError):
                answer = await self._session.command("GET VARIABLE", "BLINDTRANSFER")
                self._transferred = bool(answer.data)
        if self._taken:
            return HungUp("another call's bridge has the channel", taken=True, recorded=recorded)
        return HungUp(transferred=self._transferred, recorded=recorded)

    async def _command(self, *words: str, seconds: float | None = 0.0) -> Answer:
        answer = await self._session.command(*words, seconds=seconds)
        if answer.code == 511:
            self._session.hung_up = True
            raise await self._hang_up()
        if answer.code != 200:
            raise CommandRefused(" ".join(words), str(answer))
        return answer

    async def _woken_command(self, *words: str, seconds: float | None) -> Answer:
        self._listening = True
        if self._woken:  # while the prompt before this one could not be played
            self.wake()
        try:
            return await self._command(*words, seconds=seconds)
        finally:
            self._listening = False
            nudging, self._nudging = self._nudging, None
            if nudging is not None:
                nudging.cancel()
                await asyncio.gather(nudging, return_exceptions=True)

    async def _nudge(self) -> None:
        """End the outstanding command from outside, again and again until it is over.

        Asterisk drops a digit that comes while no command listens, so one is not enough.
        """
        while True:
            try:
                async with asyncio.timeout(WAKE_AGAIN_SECONDS):
                    await self._waker.play_dtmf(self.channel, WAKE_KEY)
            except (TimeoutError, LinkDown, ActionRefused, ActionTimedOut):
                pass  # the wait looks by itself every SLICE_SECONDS
            await asyncio.sleep(WAKE_AGAIN_SECONDS)

    def _take_wake(self) -> bool:
        woken, self._woken = self._woken, False
        return woken

    async def _value(self, expression: str) -> str:
        return (await self._command("GET FULL VARIABLE", quoted(expression))).data


def _key(answer: Answer, words: object) -> str:
    """The key in an answer's result (its character code, 0: none)."""
    if not answer.result.isdecimal():
        raise CommandRefused(str(words), str(answer))
    code = int(answer.result)
    return chr(code) if 0 < code < 128 else ""


def _checked(keys: str) -> str:
    if not set(keys) <= set(ALL_KEYS):
        raise ValueError(f"keys of a telephone are {ALL_KEYS}, not {keys!r}")
    return keys


def _milliseconds(seconds: float) -> int:
    return max(1, math.ceil(min(seconds, LONGEST_WAIT_SECONDS) * 1000))
