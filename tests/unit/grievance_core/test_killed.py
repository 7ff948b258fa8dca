"""`kill -9` of a process between any two writes loses and doubles nothing; real processes on real databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from grievance_core.audit import Audit
from grievance_core.errors import NotAllowed
from grievance_core.lifecycle import EventKind
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from tests.unit.grievance_core.conftest import opened
from tests.unit.grievance_core.stories import CATALOGUE, RULES

pytestmark = pytest.mark.service

# What of the complaint's events shows that a step was done.
SHOWN_BY = {"register": "assigned", "report": "reported", "feedback": "dissatisfied_first", "sweep": "time_ran_out"}
MOST_POINTS = 200


class Dying:
    """The process whose children are killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def at(self, point: int) -> tuple[list[str], bool]:
        """Which steps the one that died at this point had finished, and whether it was killed at all."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{point}\n")
        self._process.stdin.flush()
        steps = []
        while not (line := self._process.stdout.readline()).startswith("ended"):
            assert line, "the process ended by itself"
            steps.append(line.strip())
        assert line.split()[1] in ("0", "9")
        return steps, line.split()[1] == "9"


@contextmanager
def dying(url: str) -> Iterator[Dying]:
    argv = [sys.executable, "-m", "tests.unit.grievance_core.dying", url]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Dying(process)


async def _again(grievances: Grievances, clock: FixedClock, point: int) -> list[EventKind]:
    """What those do who got no answer: the same once more, where they see that it was not done."""
    number = (await grievances.register(a_draft(caller="", call_id=f"c-{point}"))).number
    if EventKind.REPORTED not in [event.kind for event in await grievances.history(number)]:
        with suppress(NotAllowed):
            await grievances.report(number, by="JE", text="हो गया")
    await grievances.feedback(number, satisfied=False, attempt="a-1", channel="call")
    await grievances.sweep(clock.move(days=30))
    await grievances.file_voice_message(Path(f"{point}.wav"), caller="", taken_at=clock())
    clock.move(days=-30)
    return [event.kind for event in await grievances.history(number)]


async def test_a_process_killed_between_any_two_writes_loses_nothing_and_doubles_nothing(store_url: str) -> None:
    clock = FixedClock()
    engine = opened(store_url)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    grievances = Grievances(sessions, catalogue=CATALOGUE, clock=clock, rules=RULES)
    audit = Audit(sessions, clock=clock)
    lives = []
    with dying(store_url) as doomed:
        for point in range(MOST_POINTS):
            finished, killed = doomed.at(point)
            found = await grievances.for_call(f"c-{point}")
            kinds = [event.kind for complaint in found for event in await grievances.history(complaint.number)]
            assert [step for step in finished if step in SHOWN_BY and SHOWN_BY[step] not in kinds] == []
            filed = [message.path for message in await grievances.voice_messages(limit=MOST_POINTS)]
            assert ("voice" not in finished) or f"{point}.wav" in filed
            for complaint in found:
                assert await grievances.rebuilt(complaint.number) == complaint
                assert (await audit.verify_one(complaint.number)).faults == []
            lives.append(await _again(grievances, clock, point))
            if not killed:
                break
    while await audit.seal():
        pass
    verdict = await audit.verify()
    filed = [message.path for message in await grievances.voice_messages(limit=MOST_POINTS)]
    await engine.dispose()
    assert not killed
    assert point >= 20  # there are so many places to die
    assert {tuple(life) for life in lives} == {tuple(lives[-1])}
    assert (verdict.faults, verdict.unsealed) == ([], 0)
    assert (verdict.complaints, verdict.events) == (point + 1, (point + 1) * len(lives[-1]))
    assert sorted(filed) == sorted(f"{place}.wav" for place in range(point + 1))
