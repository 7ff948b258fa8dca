"""A loop that turns is heard, one that does not is told by its silence, and nobody is accused wrongly."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator

import pytest

from helpline.heartbeat import BEAT_SECONDS, BLINK_SECONDS, FIRST_BEAT_SECONDS, Pulse, beat

pytestmark = pytest.mark.unit

LIMIT = 1.5
LOOK = 0.1


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Its reading and its writing end; what a test has not closed is closed."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def now() -> float:
    return asyncio.get_running_loop().time()


async def silent_after(pulse: Pulse, seconds: float) -> float | None:
    """Look as the supervisor does; when silence was told, if it was."""
    until = now() + seconds
    while now() < until:
        if pulse.silent(now()):
            return now()
        await asyncio.sleep(LOOK)
    return None


@pytest.mark.looptime
async def test_a_loop_that_turns_is_never_silent(pipe: tuple[int, int]) -> None:
    pulse = Pulse(pipe[0], limit=LIMIT, began=now())
    beating = asyncio.create_task(beat(pipe[1]))
    assert await silent_after(pulse, 100) is None
    beating.cancel()


@pytest.mark.looptime
async def test_a_loop_that_stands_still_is_told_soon_after_the_limit(pipe: tuple[int, int]) -> None:
    pulse = Pulse(pipe[0], limit=LIMIT, began=now())
    beating = asyncio.create_task(beat(pipe[1]))
    assert await silent_after(pulse, 10) is None
    beating.cancel()
    stopped = now()
    told = await silent_after(pulse, 10)
    assert told is not None
    assert LIMIT - BEAT_SECONDS - LOOK <= told - stopped <= LIMIT + 2 * LOOK


def test_a_loop_that_is_busy_for_a_second_does_not_hang(pipe: tuple[int, int]) -> None:
    pulse = Pulse(pipe[0], limit=LIMIT, began=0.0)
    at = 0.0
    for busy in (0.25, 1.0, 0.25, 1.0, 1.0):
        os.write(pipe[1], b".")
        for _ in range(round(busy / LOOK)):
            at += LOOK
            assert not pulse.silent(at)


def test_one_that_has_not_begun_to_beat_is_given_the_time_to_load_but_no_more(pipe: tuple[int, int]) -> None:
    pulse = Pulse(pipe[0], limit=LIMIT, began=0.0)
    at = 0.0
    while at < FIRST_BEAT_SECONDS - LOOK:
        at += LOOK
        assert not pulse.silent(at)
    assert pulse.silent(at + 2 * LOOK)


def test_a_supervisor_that_was_stopped_itself_accuses_nobody_for_that_time(pipe: tuple[int, int]) -> None:
    pulse = Pulse(pipe[0], limit=LIMIT, began=0.0)
    os.write(pipe[1], b".")
    assert not pulse.silent(0.1)
    assert not pulse.silent(60.0)  # Ctrl-Z stopped both, fg has continued the supervisor first
    assert not pulse.silent(60.0 + LIMIT / 2)
    assert not pulse.silent(60.0 + LIMIT)
    assert LIMIT / 2 < BLINK_SECONDS * 1.01
    assert pulse.silent(60.0 + LIMIT + LOOK)  # but it has hung as well


async def test_beats_that_nobody_takes_out_do_not_hold_the_loop_up(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1], b"x" * 4096)
    beating = asyncio.create_task(beat(pipe[1]))
    await asyncio.sleep(0)
    assert not beating.done()
    beating.cancel()


async def test_the_beating_ends_when_nobody_listens_any_more(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    async with asyncio.timeout(1):
        await beat(pipe[1])


def test_a_pulse_is_closed_once(pipe: tuple[int, int]) -> None:
    pulse = Pulse(pipe[0], limit=LIMIT, began=0.0)
    pulse.close()
    pulse.close()
    with pytest.raises(BrokenPipeError):
        os.write(pipe[1], b".")
