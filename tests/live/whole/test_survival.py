"""Redis, Asterisk, the link between, a phone or the quiet goes: callers are served all the same, with figures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from acd.store import CONVERSATIONS_KEY, WAITING_KEY
from agents.store import PRESENCE_KEY
from asterisk_conf.processes import read_pid
from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_ports
from helpline import wiring
from helpline.demo.lab import Lab
from helpline.lease import FENCE_KEY, LEASE_KEY
from helpline.stack import Stack
from tests.live.whole.conftest import nothing_goes_on
from tests.live.whole.crowd import (
    AGENTS,
    DYING_HOST,
    Crowd,
    Phones,
    end_lab,
    make_lab,
    moment,
    percentile,
    print_figures,
    start_lab,
)
from tests.live.whole.steps import ask_for_a_person, has_called_before, longest_silence, until

pytestmark = pytest.mark.live

REDIS_AWAY_SECONDS = 30.0
LINK_AWAY_SECONDS = 10.0
STORM, STORM_AGENTS, STORM_SECONDS = 200, 20, 2.0
AT_ONCE_SECONDS = 0.15
RING_SECONDS = 4


@pytest.fixture(scope="module")
def module_lab(programs: Programs) -> Iterator[Lab]:
    lab = make_lab(programs, ring_seconds=RING_SECONDS)
    asyncio.run(start_lab(lab))
    yield lab
    end_lab(lab)


@pytest.fixture
def phones(programs: Programs, tmp_path: Path) -> Phones:
    return Phones(programs.find("sipp"), tmp_path / "sipp")


@pytest.fixture
async def crowd(module_lab: Lab, phones: Phones, voices: dict[str, Path]) -> AsyncIterator[Crowd]:
    made = Crowd(module_lab, phones, voices["agent"])
    made.next_number += 1000 * int(time.time() % 10_000)
    yield made
    await made.end_all()
    await nothing_goes_on(module_lab)
    await made.sign_all_out()


def kill(pid_file: Path) -> None:
    pid = read_pid(pid_file)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def calls_in(places: list[dict[str, Any]]) -> list[str]:
    return [place["call"] for place in places]


# -- a storm


async def test_two_hundred_callers_in_two_seconds_are_all_answered_in_the_order_of_arrival(crowd: Crowd) -> None:
    async with crowd.agents_at_work(AGENTS[:STORM_AGENTS], stay=0.5):
        mark, numbers = crowd.log_mark(), crowd.numbers(STORM)
        began = time.time()
        calls = await crowd.call(numbers, rate=STORM / STORM_SECONDS)
        results = await calls.finished(120)
        took = time.time() - began
        crowd.callers.clear()
        assert (results.well, results.badly) == (STORM, 0), results
        rows = await crowd.call_log(numbers)
        assert len(rows) == STORM
        assert all(row.answered_at is not None for row in rows)
        joined = [line["call_id"] for line in crowd.logged("joined", since=mark)]
        rung_at = {line["call_id"]: moment(line) for line in reversed(crowd.logged("ringing", since=mark))}
        # Two phones that ring at the same moment are logged as their recordings are ready.
        passed = [
            call
            for earlier, call in pairwise(joined)
            if rung_at[call] < max(rung_at[one] for one in joined[: joined.index(earlier) + 1]) - AT_ONCE_SECONDS
        ]
        assert sorted(rung_at) == sorted(joined)
        assert passed == []
        order = {number: place for place, number in enumerate(numbers)}
        spread = [row.joined_at.timestamp() - began - order[row.caller] * STORM_SECONDS / STORM for row in rows]
        attach = [seconds - min(spread) for seconds in spread]
        waited = [(row.answered_at - row.joined_at).total_seconds() for row in rows]
        print_figures(
            "storm of 200 in 2 s",
            later_in_line_than_the_quickest_p95=f"{percentile(attach, 0.95):.2f} s",
            waited_p95=f"{percentile(waited, 0.95):.1f} s",
            out_of_order=len(passed),
            all_served_in=f"{took:.1f} s",
        )


# -- a phone vanishes


async def test_a_phone_that_is_gone_without_a_word_costs_the_caller_a_ring_but_no_silence(crowd: Crowd) -> None:
    dying, other = AGENTS[0], AGENTS[1]
    number = crowd.numbers(1)[0]
    caller = crowd.lab.citizen(number, reachable=False)
    await has_called_before(crowd.lab, number)
    async with crowd.agents_at_work([dying], host=DYING_HOST) as dead, crowd.agents_at_work([other]), caller:
        assert dead.pid is not None
        os.kill(dead.pid, signal.SIGKILL)
        await ask_for_a_person(crowd.lab, caller)
        queue = await crowd.until_queue(talking=1)
        assert [(talk["caller"], talk["agent"]) for talk in queue["talking"]] == [(number, other)]
        states = {agent["id"]: agent for agent in await crowd.lab.get("/api/agents")}
        silence = longest_silence(caller.heard())
        await caller.hang_up()
        # Asterisk's own question may have told first that it is gone, and then nobody rings it.
        assert states[dying]["presence"] == "paused" or not states[dying]["phone_reachable"]
        assert silence < 1.0
        (row,) = await crowd.call_log([number])
        waited = (row.answered_at - row.joined_at).total_seconds()
        assert waited < RING_SECONDS + 2
        print_figures(
            "a phone is gone",
            next_agent_after=f"{waited:.1f} s",
            longest_silence=f"{silence:.1f} s",
            told=states[dying]["reason"] or "not reachable",
        )


# -- Redis


async def test_redis_gone_for_thirty_seconds_and_back_empty_stops_nobody_and_everything_is_written_anew(
    crowd: Crowd,
) -> None:
    lab = crowd.lab
    redis = wiring.redis_client(lab.settings)
    talkers, waiters, later = crowd.numbers(3), crowd.numbers(10), crowd.numbers(5)
    async with crowd.agents_at_work(AGENTS[:3]), contextlib.aclosing(redis):
        lab.stack.start_spare()
        try:
            first, mark = crowd.controller, crowd.log_mark()
            await crowd.call(talkers)
            await crowd.until_queue(talking=3)
            await crowd.call(waiters)
            before = await crowd.until_queue(waiting=10, talking=3)
            fence = await redis.get(FENCE_KEY)

            kill(lab.stack.folder.redis / "redis.pid")
            gone = time.monotonic()
            await crowd.call(later)  # they join,
            queue = await crowd.until_queue(waiting=15, talking=3)
            assert calls_in(queue["waiting"])[:10] == calls_in(before["waiting"])
            async with crowd.agents_at_work(AGENTS[3:6]):  # and are served: three more agents
                await crowd.until_queue(waiting=12, talking=6)
                await asyncio.sleep(max(0.0, REDIS_AWAY_SECONDS - (time.monotonic() - gone)))
                for file in (lab.stack.folder.redis / "appendonlydir").iterdir():
                    file.unlink()
                await lab.stack._revive_redis()
                back = time.monotonic()

                await redis.connection_pool.disconnect()

                async def written() -> bool:
                    return (
                        await redis.hlen(WAITING_KEY) == 12
                        and await redis.hlen(CONVERSATIONS_KEY) == 6
                        and await redis.hlen(PRESENCE_KEY) >= 6
                        and await redis.get(LEASE_KEY) is not None
                    )

                await until(written, what="everything written anew", seconds=5.0)
                refilled = time.monotonic() - back
                await asyncio.sleep(3.5)  # longer than the spare's grace
                queue = await crowd.queue()
                assert sorted(await redis.hkeys(WAITING_KEY)) == sorted(calls_in(queue["waiting"]))
                assert sorted(await redis.hkeys(CONVERSATIONS_KEY)) == sorted(calls_in(queue["talking"]))
                assert await redis.get(FENCE_KEY) == fence
                assert crowd.controller == first == await crowd.process()
                assert crowd.logged("takes_over", since=mark) == []
                assert all(calls.results().badly == 0 for calls in crowd.callers)
                print_figures(
                    "Redis gone for 30 s, back empty",
                    joined_meanwhile=5,
                    served_meanwhile=3,
                    written_anew_after=f"{refilled:.2f} s",
                )
                await crowd.end_all()
        finally:
            await asyncio.to_thread(lab.stack.stop_spare)


# -- the link to Asterisk


class Line:
    """A TCP line that can be cut: what is connected breaks, and nobody gets through until it is mended."""

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self._to = to
        self._whole = True
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Line:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        self._whole = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        there, theirs = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, theirs}
        try:
            await asyncio.gather(self._pass(reader, theirs), self._pass(there, writer))
        finally:
            self._writers -= {writer, theirs}

    async def _pass(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                to.write(data)
                await to.drain()
        to.close()


async def test_the_link_cut_for_ten_seconds_with_a_ring_a_talk_and_a_hang_up_meanwhile_loses_nothing(
    programs: Programs, phones: Phones, voices: dict[str, Path]
) -> None:
    lab = make_lab(programs, ring_seconds=RING_SECONDS)
    via = free_ports(1)[0]
    telephony = lab.settings.telephony.model_copy(update={"ami_via": via})
    lab.settings = lab.settings.model_copy(update={"telephony": telephony})
    lab.stack = Stack(lab.settings, programs=programs)
    try:
        async with Line(via, lab.settings.telephony.ami_port) as line:
            await start_lab(lab)
            crowd = Crowd(lab, phones, voices["agent"])
            talking, ending, leaving, coming = (crowd.numbers(1) for _ in range(4))
            async with (
                crowd.agents_at_work(AGENTS[:2]),
                crowd.agents_at_work([AGENTS[2]], host=DYING_HOST, ready=False),
            ):
                for who in (talking, ending, leaving, coming):
                    await crowd.call(who)
                    await asyncio.sleep(0.5)
                before = await crowd.until_queue(talking=2, waiting=2)
                ids = {place["caller"]: place["call"] for place in (*before["waiting"], *before["talking"])}
                line.cut()
                cut = time.monotonic()
                await lab.until("/api/status", lambda status: not status["links"]["asterisk"], what="the link's loss")
                await crowd.hang_up([ids[leaving[0]]])
                await crowd.until_queue(waiting=1)
                await crowd.hang_up([ids[ending[0]]])
                await lab.post(f"/api/agents/{AGENTS[2]}/ready")
                await crowd.until_queue(waiting=0)  # the one who comes is rung, without the link
                await asyncio.sleep(max(0.0, LINK_AWAY_SECONDS - (time.monotonic() - cut)))
                meanwhile = await crowd.queue()
                line.mend()
                mended = time.monotonic()
                await lab.until("/api/status", lambda status: status["links"]["asterisk"], what="the link", seconds=10)
                up = time.monotonic() - mended
                queue = await crowd.until_queue(waiting=0, talking=2, seconds=5)
                assert {talk["caller"] for talk in queue["talking"]} == {*talking, *coming}
                # Who has answered comes over the link alone; without it the ring's deadline tells, or the next look.
                await asyncio.sleep(5.0)  # the reconciler has looked
                assert meanwhile["repairs"] == queue["repairs"] == (await crowd.queue())["repairs"] == {}
                (ended,), (left,) = await crowd.call_log(ending), await crowd.call_log(leaving)
                assert ended.answered_at is not None
                assert ended.ended_at is not None
                assert ended.outcome != "lost"
                assert (left.outcome, left.answered_at) == ("abandoned", None)
                states = {agent["id"]: agent["presence"] for agent in await lab.get("/api/agents")}
                assert sorted(states[id] for id in AGENTS[:3]) == ["ready", "talking", "talking"]
                print_figures("link cut for 10 s", link_up_after=f"{up:.1f} s", mended="nothing")
                await crowd.end_all()
            await nothing_goes_on(lab)
    finally:
        await lab.stop()
        shutil.rmtree(lab.folder)


# -- Asterisk


async def test_after_a_restart_of_asterisk_those_who_waited_are_called_back_first_come_first_at_their_old_place(
    crowd: Crowd,
) -> None:
    lab = crowd.lab
    assert lab.stack.asterisk is not None
    talkers, waiters = crowd.numbers(2), crowd.numbers(6)
    async with crowd.agents_at_work(AGENTS[:2]):
        talks = await crowd.call(talkers)
        await crowd.until_queue(talking=2)
        waits = await crowd.call(waiters, rate=5.0)
        before = await crowd.until_queue(waiting=6, talking=2)
        order = [place["caller"] for place in before["waiting"]]
        mark = crowd.log_mark()
        kill(lab.stack.asterisk.settings.pid_file)
        for calls in (talks, waits):
            await calls.stop()
        crowd.callers.clear()
    async with await crowd.phones.answers(lab.network, ring=0.2, stay=60.0, voice=crowd.voice):
        await lab.stack._revive_asterisk()
        back = time.time()
        async with crowd.agents_at_work(AGENTS[:4], stay=1.0):

            async def all_served() -> bool:
                rows = await crowd.call_log([*talkers, *waiters])
                return (
                    sum(bool(row.answered_at and row.answered_at.timestamp() > back and row.ended_at) for row in rows)
                    == 8
                )

            # No more citizens are rung than agents are there to take them: two rounds.
            await until(all_served, what="the conversations with all who were called back", seconds=90)
            caller_of = {row.call_id: row.caller for row in await crowd.call_log([*talkers, *waiters])}
            again = [caller_of[line["call_id"]] for line in crowd.logged("callback_rings", since=mark)]
            assert sorted(again[:2]) == sorted(talkers)
            assert again[2:] == order
            served = time.time() - back
            first = moment(crowd.logged("callback_rings", since=mark)[0]) - back
            print_figures(
                "Asterisk restarted",
                called_back=len(again),
                first_rung_after=f"{first:.1f} s",
                all_served_after=f"{served:.0f} s",
                out_of_order=0,
            )
