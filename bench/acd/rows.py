"""The measurements: one function a row, each one system once, each giving its figures by name."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from asterisk_conf.testing import free_ports
from bench.acd import phones
from bench.acd.floor import AGENTS_FROM
from bench.acd.phones import FOR_EVER_MS, Seen, Sipp
from bench.acd.place import AGENTS_HOST, CALLERS_HOST, PASSWORD, Place

Figures = dict[str, float]
OURS = frozenset({"ours", "recorded", "off_hook"})
LATE_SECONDS = 1.0
SWAP_SECONDS = 0.02
"""Two callers who came within so little are not told apart: who was first is decided inside Asterisk."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: who takes part, and how long (seconds) its load lasts."""

    name: str
    systems: tuple[str, ...]
    measure: Callable[[Place, str, float], Awaitable[Figures]]
    seconds: float


def _dialled(system: str, agents: int) -> str:
    match system:
        case "aq":
            return f"7{agents:03d}"
        case "floor":
            return f"8{agents:03d}"
        case _:
            return "9000"


class _Runs:
    """Numbers the folders of SIPp."""

    count = 0

    @classmethod
    def next(cls) -> int:
        cls.count += 1
        return cls.count


@asynccontextmanager
async def _agents(place: Place, *, talk: float | None, varied: float = 0.0) -> AsyncIterator[Sipp]:
    """The agents' phones: they pick up at once and hang up after `talk` seconds, more or less (None: never)."""
    sipp = Sipp(place.programs.find("sipp"), place.folder / f"{_Runs.next():03}-agents")
    if varied and talk is not None:
        low, high = round((talk - varied) * 1000), round((talk + varied) * 1000)
        talking = f'<pause distribution="uniform" min="{low}" max="{high}"/>'
    else:
        limit = FOR_EVER_MS if talk is None else max(1, round(talk * 1000))
        talking = f'<recv request="BYE" timeout="{limit}" ontimeout="hang_up" next="told"/>'
    await sipp.start("agent", {"<!--TALK-->": talking}, (AGENTS_HOST, place.agents_port))
    await asyncio.sleep(0.3)
    try:
        yield sipp
    finally:
        await place.clear()
        await sipp.kill()
        await place.quiet()


@asynccontextmanager
async def _desks(place: Place, system: str, agents: int, talk: float) -> AsyncIterator[Callable[[], list[Seen]]]:
    """The agents of any system; what is seen of them. Off-hook ones stay connected, and never hang up."""
    if system != "off_hook":
        async with _agents(place, talk=talk) as desk:
            yield desk.seen
        return
    sipp = Sipp(place.programs.find("sipp"), place.folder / f"{_Runs.next():03}-lines")
    file = place.folder / f"lines-{agents}.csv"
    file.write_text(phones.lines([f"agent-{AGENTS_FROM + n}" for n in range(agents)], PASSWORD))
    begun = _now()
    await sipp.start(
        "line",
        {},
        (AGENTS_HOST, free_ports(1, AGENTS_HOST)[0]),
        *("-r", "50", "-l", str(agents), "-m", str(agents), "-inf", str(file), place.exchange),
    )
    await asyncio.sleep(agents / 50 + 1.5)
    try:
        yield lambda: [event for event in place.answered() if event.at > begun]
    finally:
        await place.clear()
        await sipp.kill()
        await place.quiet()


async def _callers(
    place: Place,
    system: str,
    *,
    agents: int,
    rate: float,
    most: int,
    count: int,
    stay: float | None,
    more: Sequence[str] = (),
) -> Sipp:
    """Callers at `rate` a second, at most `most` at once, `count` in all, who leave after `stay` seconds."""
    sipp = Sipp(place.programs.find("sipp"), place.folder / f"{_Runs.next():03}-callers-{system}")
    sipp.folder.parent.mkdir(exist_ok=True)
    numbers = place.folder / f"numbers-{count}.csv"
    if not numbers.exists():
        numbers.write_text(phones.numbers(count))
    stay_ms = FOR_EVER_MS if stay is None else max(1, round(stay * 1000))
    port = place.next_callers_port()
    await sipp.start(
        "caller",
        {'"STAY"': f'"{stay_ms}"'},
        (CALLERS_HOST, port),
        *("-r", f"{rate:g}", "-l", str(most), "-m", str(count), "-s", _dialled(system, agents)),
        *("-inf", str(numbers), *more, place.exchange),
    )
    return sipp


async def _seat(place: Place, system: str, agents: int) -> None:
    await place.tell(f"line {'off_hook' if system == 'off_hook' else 'on_hook'} {agents}")
    await place.tell(f"seat {agents if system in OURS else 0}")
    await place.tell(f"record {'on' if system == 'ours_recorded' else 'off'}")


def _first(events: Sequence[Seen], what: str) -> dict[str, float]:
    """When it happened first, by caller."""
    found: dict[str, float] = {}
    for event in events:
        if event.what == what:
            found.setdefault(event.caller, event.at)
    return found


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _swaps(came: dict[str, float], offered: dict[str, float]) -> int:
    """Callers who were offered although one who came clearly before them was offered clearly later, or not at all."""
    order = sorted((at, caller) for caller, at in came.items() if caller in offered)
    count = 0
    # The latest offer among all who came at least SWAP_SECONDS before: two hands over the same list.
    hand = 0
    highest = 0.0
    for at, caller in order:
        while order[hand][0] < at - SWAP_SECONDS:
            highest = max(highest, offered[order[hand][1]])
            hand += 1
        if highest > offered[caller] + SWAP_SECONDS:
            count += 1
    return count


def _overtaken(came: dict[str, float], offered: dict[str, float]) -> list[float]:
    """Seconds by which callers were offered later than one who came clearly after them; who was not is left out."""
    order = sorted((at, caller) for caller, at in came.items() if caller in offered)
    soonest = [float("inf")] * (len(order) + 1)
    for place in range(len(order) - 1, -1, -1):
        soonest[place] = min(soonest[place + 1], offered[order[place][1]])
    found, hand = [], 0
    for at, caller in order:
        while hand < len(order) and order[hand][0] <= at + SWAP_SECONDS:
            hand += 1
        if (late := offered[caller] - soonest[hand]) > 0:
            found.append(late)
    return found


def _order(came: dict[str, float], offered: dict[str, float]) -> Figures:
    """How many were passed by one who came later, and by how much: nearly all by the time a phone takes to ring."""
    late = _overtaken(came, offered)
    return {
        "out of order": _swaps(came, offered),
        "passed p95 ms": _percentile(late, 0.95) * 1000 if late else 0.0,
        "passed most ms": max(late, default=0.0) * 1000,
    }


def _idle(events: Sequence[Seen], begun: float, ended: float) -> list[float]:
    """Seconds from each agent's hang-up to the next call at the same phone, inside the window."""
    left: dict[str, float] = {}
    gaps = []
    for event in sorted(events, key=lambda event: event.at):
        if event.what == "B":
            left[event.agent] = event.at
        elif event.what == "I" and (since := left.pop(event.agent, None)) is not None and begun < since < ended:
            gaps.append(event.at - since)
    # Who was still idle at the end counts with what is known.
    gaps.extend(ended - since for since in left.values() if begun < since < ended - 2.0)
    return gaps


async def idle(place: Place, system: str, seconds: float) -> Figures:
    """20 agents, calls of 0.5 to 1.5 s, always some forty callers waiting."""
    agents = 20
    await _seat(place, system, agents)
    async with _agents(place, talk=1.0, varied=0.5) as desk:
        callers = await _callers(place, system, agents=agents, rate=60, most=agents + 40, count=5000, stay=None)
        await asyncio.sleep(3.0 + seconds)
        await callers.no_more()
        here, there = callers.seen(), desk.seen()
        await place.clear()
        await callers.end()
    came = _first(here, "C")
    begun = min(came.values()) + 3.0
    gaps = _idle(there, begun, begun + seconds)
    return {
        "idle p50 ms": _percentile(gaps, 0.5) * 1000,
        "idle p95 ms": _percentile(gaps, 0.95) * 1000,
        "hang-ups": len(gaps),
        "out of order": _swaps(came, _first(there, "I")),
    }


async def saturation(place: Place, system: str, seconds: float) -> Figures:
    """50 agents, calls of 0.3 s: how much of what they could talk they do, with callers waiting."""
    agents, talk = 50, 0.3
    await _seat(place, system, agents)
    async with _agents(place, talk=talk) as desk:
        before = place.cpu()
        callers = await _callers(place, system, agents=agents, rate=agents / talk, most=200, count=20000, stay=None)
        await asyncio.sleep(3.0 + seconds)
        used = place.cpu().since(before)
        await callers.no_more()
        here, there = callers.seen(), desk.seen()
        await place.clear()
        await callers.end()
    came = _first(here, "C")
    begun = min(came.values()) + 3.0
    served = sum(1 for event in there if event.what == "B" and begun <= event.at < begun + seconds)
    return {
        "served/s": served / seconds,
        "of capacity": served * talk / (agents * seconds),
        "cpu": _total(used, system) / (3.0 + seconds),
        **_order(came, _first(there, "I")),
    }


def _total(used: dict[str, float], system: str) -> float:
    return used["asterisk"] + _own(used, system)


def _own(used: dict[str, float], system: str) -> float:
    return used["floor"] if system == "floor" else used["controller"] if system in OURS else 0.0


async def waiting(place: Place, system: str, seconds: float, *, callers_waiting: int = 250) -> Figures:
    """250 callers wait while 50 agents talk: CPU of a second of it, and memory.

    It grows with the number of callers, and is nearly all music; 1,000 of them keep two cores busy in both systems.
    """
    agents = 50
    await _seat(place, system, agents)
    async with _agents(place, talk=None) as desk:
        total = callers_waiting + agents
        callers = await _callers(place, system, agents=agents, rate=40, most=total, count=total, stay=None)
        async with asyncio.timeout(60):
            while sum(1 for event in callers.seen() if event.what == "C") < total:
                await asyncio.sleep(0.5)
        await asyncio.sleep(3.0)
        before = place.cpu()
        await asyncio.sleep(seconds)
        after = place.cpu()
        talking = len(_first(desk.seen(), "A"))
        await place.clear()
        await callers.end()
    used = after.since(before)
    return {
        "cpu": _total(used, system) / seconds,
        "asterisk": used["asterisk"] / seconds,
        "own": _own(used, system) / seconds,
        "redis": used["redis"] / seconds,
        "asterisk MB": after.megabytes["asterisk"],
        "controller MB": after.megabytes["controller"],
        "talking": talking,
    }


async def per_call(place: Place, system: str, seconds: float) -> Figures:
    """CPU of a call at 60 calls/s, 100 agents, calls of 1 s, nobody has to wait; and how soon agents are offered it."""
    return await _steady(place, system, seconds, rate=place.rate, agents=100, talk=1.0)


async def offer(place: Place, system: str, seconds: float) -> Figures:
    """From the caller's INVITE to the agent's, at 10 calls/s and idle agents."""
    return await _steady(place, system, seconds, rate=10.0, agents=20, talk=0.5)


async def _steady(place: Place, system: str, seconds: float, *, rate: float, agents: int, talk: float) -> Figures:
    await _seat(place, system, agents)
    stay = talk if system == "off_hook" else None
    async with _desks(place, system, agents, talk) as look:
        callers = await _callers(place, system, agents=agents, rate=rate, most=1000, count=100_000, stay=stay)
        await asyncio.sleep(1.0 + talk)
        if place.profile and system in OURS:
            await place.tell("profile on")
        before, begun = place.cpu(), _now()
        await asyncio.sleep(seconds)
        used, ended = place.cpu().since(before), _now()
        if place.profile and system in OURS:
            await place.tell(f"profile {place.profile}")
        await callers.no_more()
        await asyncio.sleep(talk + 0.5)
        here, there = callers.seen(), look()
        await place.clear()
        await callers.end()
    calls = sum(1 for event in there if event.what == "I" and begun <= event.at < ended)
    return {
        **_costs(used, system, max(1, calls)),
        "calls/s": calls / (ended - begun),
        **_delays(here, there, begun, ended),
    }


def _costs(used: dict[str, float], system: str, calls: int) -> Figures:
    return {
        "ms a call": _total(used, system) / calls * 1000,
        "asterisk ms": used["asterisk"] / calls * 1000,
        "own ms": _own(used, system) / calls * 1000,
        "redis ms": (used["redis"] if system in OURS else 0.0) / calls * 1000,
    }


def _delays(here: Sequence[Seen], there: Sequence[Seen], begun: float, ended: float) -> Figures:
    came, offered = _first(here, "C"), _first(there, "I")
    delays = [offered[who] - at for who, at in came.items() if who in offered and begun <= at < ended]
    return {
        "offer p50 ms": _percentile(delays, 0.5) * 1000,
        "offer p95 ms": _percentile(delays, 0.95) * 1000,
        "out of order": _swaps(came, offered),
    }


async def growth(place: Place, system: str, seconds: float) -> Figures:
    """CPU of a call at 20 calls/s with nobody else there, and with 300 conversations going on."""
    agents, talk, connected = 500, 0.3, 300
    await _seat(place, system, agents)
    figures: Figures = {}
    for others in (0, connected):
        # Agents never hang up here: callers do, the background's after the others' end.
        async with _agents(place, talk=None) as desk:
            background = None
            if others:
                background = await _callers(place, system, agents=agents, rate=40, most=others, count=others, stay=None)
                await asyncio.sleep(others / 40 + 1.5)
            before = place.cpu()
            await asyncio.sleep(2.0)
            idle_now = place.cpu().since(before)
            began = _now()
            callers = await _callers(place, system, agents=agents, rate=20, most=1000, count=100_000, stay=talk)
            await asyncio.sleep(1.0)
            before, begun = place.cpu(), _now()
            await asyncio.sleep(seconds)
            used, ended = place.cpu().since(before), _now()
            await callers.no_more()
            await callers.end()
            there = [event for event in desk.seen() if event.at > began]
            await place.clear()
            if background is not None:
                await background.end()
        calls = max(1, sum(1 for event in there if event.what == "I" and begun <= event.at < ended))
        net = {name: value - idle_now[name] / 2.0 * (ended - begun) for name, value in used.items()}
        figures[f"ms a call, {others} there"] = _total(net, system) / calls * 1000
    figures["growth"] = figures[f"ms a call, {connected} there"] / figures["ms a call, 0 there"]
    return figures


async def highest_rate(place: Place, system: str, seconds: float) -> Figures:
    """500 agents, calls of 1 s, more callers every second: the highest rate that is bridged in time."""
    agents, first, step = 500, 40, 10
    await _seat(place, system, agents)
    stay = 1.0 if system == "off_hook" else None
    async with _desks(place, system, agents, 1.0) as look:
        callers = await _callers(
            place,
            system,
            agents=agents,
            rate=first,
            most=1500,
            count=100_000,
            stay=stay,
            more=("-rate_increase", str(step), "-rate_interval", "1s", "-rate_max", "1000", "-no_rate_quit"),
        )
        for _ in range(round(seconds)):
            await asyncio.sleep(1.0)
            if _has_broken(callers.seen(), look()):
                break
        await callers.no_more()
        here, there = callers.seen(), look()
        await place.clear()
        await callers.end()
    return _highest(here, there)


def _has_broken(here: Sequence[Seen], there: Sequence[Seen]) -> bool:
    """Whether more than a second's callers stand unanswered."""
    return len(_first(here, "C")) - len(_first(there, "A")) > 400


def _highest(here: Sequence[Seen], there: Sequence[Seen]) -> Figures:
    came, bridged, offered = _first(here, "C"), _first(there, "A"), _first(there, "I")
    begun = min(came.values())
    by_second: dict[int, list[float]] = defaultdict(list)
    for caller, at in came.items():
        by_second[int(at - begun)].append(bridged.get(caller, float("inf")) - at)
    best = 0.0
    for second in sorted(by_second):
        delays = by_second[second] + by_second.get(second - 1, [])
        if second and _percentile(delays, 0.95) <= LATE_SECONDS:
            best = max(best, len(delays) / 2)
    in_time = {caller: at for caller, at in came.items() if bridged.get(caller, float("inf")) - at <= LATE_SECONDS}
    return {
        "calls/s": best,
        "best bridged/s": max(
            (sum(1 for at in bridged.values() if second <= at - begun < second + 2) / 2 for second in range(60)),
            default=0,
        ),
        "out of order": _swaps(in_time, offered),
    }


def _now() -> float:
    return time.time()


ROWS = (
    Row("idle", ("aq", "ours"), idle, 8.0),
    Row("saturation", ("aq", "floor", "ours"), saturation, 8.0),
    Row("waiting", ("aq", "ours"), waiting, 8.0),
    Row("per call", ("aq", "floor", "ours", "off_hook"), per_call, 8.0),
    Row("offer", ("aq", "floor", "ours"), offer, 10.0),
    Row("growth", ("aq", "floor", "ours"), growth, 6.0),
    Row("rate", ("aq", "floor", "ours", "off_hook"), highest_rate, 35.0),
    Row("recorded", ("recorded",), per_call, 6.0),
)
