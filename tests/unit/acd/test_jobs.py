"""What is done for calls without their coroutine: in order for each, and no call waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.live.jobs import Jobs
from telephony.errors import LinkDown

pytestmark = pytest.mark.unit


def takes(seconds: float, name: str, done: list[str]) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        await asyncio.sleep(seconds)
        done.append(name)

    return job


@pytest.mark.looptime
async def test_a_call_does_not_wait_for_another_calls_job() -> None:
    jobs, done = Jobs(), list[str]()
    jobs.start()
    jobs.put(takes(5.0, "slow", done), of="1")
    jobs.put(takes(0.1, "quick", done), of="2")
    await asyncio.sleep(0.2)
    assert done == ["quick"]
    await asyncio.sleep(5.0)
    await jobs.stop()


@pytest.mark.looptime
async def test_a_job_of_no_call_is_done_alone_after_all_before_it_and_before_all_after_it() -> None:
    jobs, done = Jobs(), list[str]()
    jobs.start()
    jobs.put(takes(0.5, "before", done), of="1")
    jobs.put(takes(0.3, "compare", done))
    jobs.put(takes(0.0, "after", done), of="2")
    await asyncio.sleep(0.7)
    assert done == ["before"]
    await asyncio.sleep(0.2)
    assert done == ["before", "compare", "after"]
    await jobs.stop()


@pytest.mark.looptime
async def test_what_was_put_before_the_start_waits_for_it_and_a_stop_lets_what_is_on_its_way_be_done() -> None:
    jobs, done = Jobs(), list[str]()
    jobs.put(takes(0.5, "early", done), of="1")
    await asyncio.sleep(1.0)
    assert done == []
    jobs.start()
    await jobs.stop()
    assert done == ["early"]


@pytest.mark.looptime
async def test_a_job_that_fails_costs_itself_only() -> None:
    jobs, done = Jobs(), list[str]()

    async def breaks() -> None:
        raise LinkDown

    jobs.start()
    jobs.put(breaks, of="1")
    jobs.put(breaks)
    jobs.put(takes(0.0, "next", done), of="1")
    await jobs.stop()
    assert done == ["next"]


@given(st.lists(st.tuples(st.sampled_from(["", "1", "2", "3"]), st.integers(0, 3)), max_size=30))
def test_each_calls_jobs_keep_their_order_and_one_of_no_call_parts_all_others(told: list[tuple[str, int]]) -> None:
    done: list[int] = []

    async def run() -> None:
        jobs = Jobs()
        jobs.start()
        for number, (of, turns) in enumerate(told):

            async def job(number: int = number, turns: int = turns) -> None:
                for _ in range(turns):
                    await asyncio.sleep(0)
                done.append(number)

            jobs.put(job, of=of)
        await jobs.stop()

    asyncio.run(run())
    assert sorted(done) == list(range(len(told)))
    for number, (of, _) in enumerate(told):
        before = done[: done.index(number)]
        if not of:
            assert set(before) == set(range(number))
        else:
            assert {n for n in range(number) if told[n][0] == of} <= set(before)
