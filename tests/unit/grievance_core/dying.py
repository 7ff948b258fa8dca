"""A process for test_killed.py that loads the room once and then forks one that dies at the statement it is told.

Started with the store's URL. Each line that it reads is a number of a point; it answers with a line for each step that
the one who died had finished, then "ended" and how: 0 is that it lived to the end, 9 that it was killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from grievance_core.audit import Audit
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, RULES

WRITES = ("INSERT", "UPDATE", "DELETE")


async def story(url: str, point: int, *, at: Callable[[], None], done: Callable[[str], None]) -> None:
    """A complaint's life and what is written beside it. `at` is called between any two writes."""
    clock = FixedClock()
    engine = create_async_engine(url, hide_parameters=True)
    _tell(engine.sync_engine, at)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    grievances = Grievances(sessions, catalogue=CATALOGUE, clock=clock, rules=RULES)
    number = (await grievances.register(a_draft(caller="", call_id=f"c-{point}"))).number
    done("register")
    await grievances.report(number, by="JE", text="हो गया")
    done("report")
    await grievances.feedback(number, satisfied=False, attempt="a-1", channel="call")
    done("feedback")
    await grievances.sweep(clock.move(days=30))
    done("sweep")
    await grievances.file_voice_message(Path(f"{point}.wav"), caller="", taken_at=clock())
    done("voice")
    await Audit(sessions, clock=clock).seal()
    done("seal")
    await engine.dispose()


def _tell(engine: Engine, at: Callable[[], None]) -> None:
    """Before each write, before each commit, and when the connection is given back after it."""
    committing = False

    def statement(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(WRITES):
            at()

    def commit(_connection: object) -> None:
        nonlocal committing
        at()
        committing = True

    def given_back(*_: object) -> None:
        nonlocal committing
        if committing:
            at()
        committing = False

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    event.listen(engine, "checkin", given_back)


def _die_at(url: str, point: int) -> None:
    passed = count()

    def at() -> None:
        if next(passed) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(story(url, point, at=at, done=lambda step: print(step, flush=True)))  # noqa: T201


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _die_at(sys.argv[1], int(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("ended", os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
