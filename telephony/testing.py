"""Stand-ins for the live link, for tests of flows and queues and for the simulator; and a peer for the real server.

`ScriptedCall` is a caller whose every key and hang-up is written beforehand. It keeps the promises of `Call`: a wake is
level-triggered, a hang-up raises `HungUp` from every verb after it, `HungUp.dialled` and `.recorded` are told. Time is
the event loop's, so under virtual time (looptime) a conversation costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from telephony.call import Call, CallId, CallInfo, Dialled, Digits, Heard, Recorded
from telephony.errors import HungUp, LinkDown

Answerer = Callable[[str], Awaitable[Dialled]]


@dataclass(frozen=True, slots=True)
class Act:
    """One verb that a flow asked for: its name, and what it was given."""

    verb: str
    said: tuple[str, ...] = ()


class ScriptedCall(Call):
    """A call that follows a script.

    `keys`: what the caller types. A sequence is used up in order, one item for each verb that listens (a `play` or
    `wait` with keys, an `ask`); "" is silence, and so is everything after its end. A mapping is by prompt (the whole
    name or its last part): what is typed when that prompt is heard, a string each time, or a sequence in order.
    `hang_up_at`: the number of the act (from 1) in which the caller hangs up. `dials`: how each `dial` or `bridge`
    goes, in order: a value, or a coroutine function that gets the target; when used up, nobody is there. `recordings`:
    likewise. `prompt_seconds`: how long each prompt lasts.
    """

    def __init__(
        self,
        *,
        caller: str = "9876543210",
        dialled: str = "1076",
        path: str = "citizen",
        call_id: str = "scripted.1",
        channel: str = "PJSIP/trunk-00000001",
        keys: Iterable[str] | Mapping[str, str | Iterable[str]] = (),
        hang_up_at: int | None = None,
        dials: Iterable[Dialled | Answerer] = (),
        recordings: Iterable[Recorded] = (),
        variables: Mapping[str, str] | None = None,
        prompt_seconds: float = 0.0,
    ) -> None:
        self.info = CallInfo(id=CallId(call_id), channel=channel, caller=caller, dialled=dialled, path=path)
        self.acts: list[Act] = []
        self.played: list[str] = []
        self.variables: dict[str, str] = dict(variables or {})
        self.recording_file: Path | None = None
        self.music_on = False
        self.finished = False
        self._by_prompt: dict[str, deque[str] | str] = {}
        self._in_order: deque[str] = deque()
        if isinstance(keys, Mapping):
            self._by_prompt = {k: v if isinstance(v, str) else deque(v) for k, v in keys.items()}
        else:
            self._in_order = deque(keys)
        self._hang_up_at = hang_up_at
        self._dials = deque(dials)
        self._recordings = deque(recordings)
        self._prompt_seconds = prompt_seconds
        self._woken = asyncio.Event()
        self._left = asyncio.Event()
        self._transferred = False
        self._taken = False

    @property
    def gone(self) -> bool:
        return self._left.is_set()

    def wake(self) -> None:
        self._woken.set()

    def caller_hangs_up(self, *, transferred: bool = False) -> None:
        """The caller hangs up (or is blindly transferred away) now, whatever runs."""
        self._transferred = transferred
        self._left.set()

    def is_taken(self) -> None:
        """Another call's `bridge` takes the channel now."""
        self._taken = True
        self._left.set()

    async def answer(self) -> None:
        await self._act("answer")

    async def play(self, *prompts: str, keys: str = "", wakeable: bool = False) -> Heard:
        await self._act("play", *prompts)
        typed = self._typed(prompts) if keys else ""
        for prompt in prompts:
            if wakeable and self._take_wake():
                return Heard(woken=True)
            self.played.append(prompt)
            if typed and typed[0] in keys:
                return Heard(typed[0])
            await self._pass_time(self._prompt_seconds, wakeable=wakeable)
        return Heard(woken=True) if wakeable and self._take_wake() else Heard()

    async def ask(self, *prompts: str, digits: int, seconds: float = 5.0, gap: float = 3.0) -> Digits:
        await self._act("ask", *prompts)
        self.played += prompts
        typed = self._typed(prompts)
        if not typed:
            await self._pass_time(len(prompts) * self._prompt_seconds + seconds)
        keys, end, _ = typed.partition("#")
        if len(keys) >= digits:
            return Digits(keys[:digits], "full")
        if end:
            return Digits(keys, "end")
        if keys:
            await self._pass_time(gap)
        return Digits(keys, "silence")

    async def wait(self, seconds: float, *, keys: str = "", wakeable: bool = True) -> Heard:
        await self._act("wait", f"{seconds:g}")
        if wakeable and self._take_wake():
            return Heard(woken=True)
        typed = self._typed(()) if keys else ""
        if typed and typed[0] in keys:
            return Heard(typed[0])
        await self._pass_time(seconds, wakeable=wakeable)
        return Heard(woken=True) if wakeable and self._take_wake() else Heard()

    async def record(
        self, file: Path, *, max_seconds: float, silence_seconds: float, keys: str = "#", beep: bool = True
    ) -> Recorded:
        recorded = self._recordings.popleft() if self._recordings else Recorded(min(max_seconds, 5.0), "silence")
        try:
            await self._act("record", str(file))
            await self._pass_time(recorded.seconds)
        except HungUp as end:
            end.recorded = Recorded(recorded.seconds, "hang_up")
            raise
        return recorded

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
        return await self._connected("dial", targets, Dialled("NOANSWER", 0, float(ring_seconds)))

    async def bridge(self, channel: str, *, tone: bool = False) -> Dialled:
        return await self._connected("bridge", channel, Dialled("CHANUNAVAIL"))

    async def _connected(self, verb: str, target: str, otherwise: Dialled) -> Dialled:
        began = asyncio.get_running_loop().time()
        try:
            await self._act(verb, target)
            self.music_on = False
            plan = self._dials.popleft() if self._dials else otherwise
            if isinstance(plan, Dialled):
                await self._pass_time(plan.ring_seconds + plan.talk_seconds)
                return plan
            answering = asyncio.ensure_future(plan(target))
            leaving = asyncio.ensure_future(self._left.wait())
            try:
                await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
                if answering.done():
                    return answering.result()
                raise self._hung_up()
            finally:
                for task in (answering, leaving):
                    task.cancel()
                await asyncio.gather(answering, leaving, return_exceptions=True)
        except HungUp as end:
            seconds = asyncio.get_running_loop().time() - began
            end.dialled = self._until_hang_up(seconds, talking=self._transferred or verb == "bridge")
            raise

    async def start_recording(self, file: Path) -> None:
        await self._act("start_recording", str(file))
        self.recording_file = file

    async def stop_recording(self) -> None:
        await self._act("stop_recording")
        self.recording_file = None

    async def music(self, on: bool) -> None:
        await self._act("music", "on" if on else "off")
        self.music_on = on

    async def get(self, name: str) -> str:
        return self.variables.get(name, "")

    async def set(self, name: str, value: str) -> None:
        self.variables[name] = value

    async def execute(self, app: str, *args: str, seconds: float | None = None) -> str:
        await self._act("execute", app, *args)
        return "0"

    async def hang_up(self) -> None:
        if not self.gone:
            self.acts.append(Act("hang_up"))
            self._left.set()

    async def done(self) -> None:
        if not self._transferred and not self._taken:
            self.finished = True
            self.variables["ENGINE_DONE"] = "1"

    async def _act(self, verb: str, *said: str) -> None:
        if self.gone:
            raise self._hung_up()
        self.acts.append(Act(verb, said))
        if self._hang_up_at is not None and len(self.acts) >= self._hang_up_at:
            self._left.set()
        await asyncio.sleep(0)
        if self.gone:
            raise self._hung_up()

    def _hung_up(self) -> HungUp:
        return HungUp(transferred=self._transferred, taken=self._taken)

    def _until_hang_up(self, seconds: float, *, talking: bool) -> Dialled:
        """What dial or bridge had come to when the caller left: before the answer CANCEL, after it the talk so far."""
        return Dialled("ANSWER", 16, 0.0, seconds) if talking else Dialled("CANCEL", 0, seconds)

    def _take_wake(self) -> bool:
        woken = self._woken.is_set()
        self._woken.clear()
        return woken

    def _typed(self, prompts: Iterable[str]) -> str:
        for prompt in prompts:
            for name in (prompt, prompt.rpartition("/")[2]):
                typed = self._by_prompt.get(name)
                if isinstance(typed, str):
                    return typed
                if typed:
                    return typed.popleft()
        return self._in_order.popleft() if self._in_order else ""

    async def _pass_time(self, seconds: float, *, wakeable: bool = False) -> None:
        """Let time pass until it is up, the caller hangs up (raises), or a wake comes."""
        watched = [self._left, self._woken] if wakeable else [self._left]
        tasks = [asyncio.ensure_future(event.wait()) for event in watched]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.gone:
            raise self._hung_up()


class FakeWaker:
    """A `Waker` that remembers the digits it was asked to play; `down` makes it behave as a link that is gone."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.digits: list[tuple[str, str]] = []
        self.on_digit: Callable[[str, str], None] = lambda channel, digit: None

    async def play_dtmf(self, channel: str, digit: str) -> None:
        if self.down:
            raise LinkDown
        self.digits.append((channel, digit))
        self.on_digit(channel, digit)


class AgiPeer:
    """Speaks to a FastAGI server as Asterisk does, over a real connection.

    `answer` is asked with each command; what it returns is sent back (None: nothing; a line end is added). Use `say`
    for a line out of turn, such as HANGUP.
    """

    def __init__(self, answer: Callable[[str], str | None] = lambda command: "200 result=0") -> None:
        self.commands: list[str] = []
        self.closed = asyncio.Event()
        self._answer = answer
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @staticmethod
    def opening(**changes: str) -> bytes:
        """The lines that Asterisk begins with."""
        values = {
            "network": "yes",
            "network_script": "citizen",
            "request": "agi://127.0.0.1/citizen",
            "channel": "PJSIP/trunk-00000001",
            "language": "en",
            "uniqueid": "1700000000.1",
            "callerid": "09876543210",
            "dnid": "01076",
            "context": "in1076",
            "extension": "1076",
            **changes,
        }
        return "".join(f"agi_{name}: {value}\n" for name, value in values.items()).encode() + b"\n"

    async def connect(self, host: str, port: int, opening: bytes | None = None) -> None:
        reader, self._writer = await asyncio.open_connection(host, port)
        self._writer.write(self.opening() if opening is None else opening)
        self._reader = asyncio.create_task(self._read(reader), name="agi peer")

    def say(self, text: str | bytes) -> None:
        assert self._writer is not None
        self._writer.write(text if isinstance(text, bytes) else text.encode() + b"\n")

    async def close(self) -> None:
        """Close the connection, as when Asterisk dies. Idempotent."""
        if self._writer is not None:
            self._writer.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                command = line.decode().rstrip("\n")
                self.commands.append(command)
                answer = self._answer(command)
                if answer is not None:
                    self.say(answer)
        except OSError:
            pass
        finally:
            self.closed.set()
