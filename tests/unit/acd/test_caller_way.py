"""What a caller hears and can do while waiting, on virtual time."""

from __future__ import annotations

import asyncio
from datetime import time, timedelta
from pathlib import Path

import pytest

from acd.engine.events import CallerDetached
from acd.engine.queues import DEFAULT_QUEUES, Hours, Overflow, QueueRules, To, When
from acd.engine.seeking import OVERFLOW_REASONS
from acd.engine.skills import Need
from acd.records import NotServed, Outcome, Request, WantsMessage
from acd.service import Served
from acd.waiting.admission import Limits
from agents.presence import State
from telephony.call import Call, Heard
from telephony.errors import HungUp
from telephony.session import CLOSED
from telephony.testing import ScriptedCall
from tests.unit.acd.world import HINDI, NOON, World

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

COMPLAINT = QueueRules(name="complaint", required=(Need("service:complaint"),))


class Pressing(ScriptedCall):
    """A caller who presses a key at a moment, whatever is heard then."""

    def __init__(self, *, key: str, at: float, call_id: str, prompt_seconds: float = 0.0) -> None:
        super().__init__(call_id=call_id, prompt_seconds=prompt_seconds)
        self._key = key
        self._at = at

    async def play(self, *prompts: str, keys: str = "", wakeable: bool = False) -> Heard:
        return await self._listening(super().play(*prompts, wakeable=wakeable), keys)

    async def wait(self, seconds: float, *, keys: str = "", wakeable: bool = True) -> Heard:
        return await self._listening(super().wait(seconds, wakeable=wakeable), keys)

    async def _listening(self, heard, keys: str) -> Heard:  # type: ignore[no-untyped-def]
        loop = asyncio.get_running_loop()
        doing = asyncio.ensure_future(heard)
        left = self._at - loop.time()
        if self._key and left >= 0:
            await asyncio.wait([doing], timeout=left)
            if not doing.done() and self._key in keys:
                doing.cancel()
                await asyncio.gather(doing, return_exceptions=True)
                key, self._key = self._key, ""
                return Heard(key)
        return await doing


@pytest.mark.parametrize("moment", [2.1, 16.0, 24.9, 40.0, 62.0], ids=lambda at: f"{at}s")
async def test_a_key_is_heard_at_any_moment_also_during_an_announcement(tmp_path: Path, moment: float) -> None:
    async with World(tmp_path) as world:
        call = Pressing(call_id="c1", key="2", at=moment, prompt_seconds=5)
        assert await world.wait(call) == WantsMessage(HINDI)
        assert asyncio.get_running_loop().time() == pytest.approx(moment, abs=0.1)
        await asyncio.sleep(1)
        assert world.calls.records["c1"].outcome is Outcome.MESSAGE
        assert world.kept == set()


async def test_a_key_that_was_meant_for_the_menu_before_does_not_end_the_wait(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        task = world.wait(Pressing(call_id="c1", key="1", at=0.6))
        await asyncio.sleep(20)
        assert not task.done()
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c1"]


async def test_only_keys_on_offer_are_named_and_heard(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1", keys=["", "7", "5"])
        task = world.wait(call)
        await asyncio.sleep(20)
        assert call.played == ["hi/position-1", "hi/choices-12"]
        assert not task.done()


async def test_an_aside_keeps_the_place_and_nobody_is_rung_during_it(tmp_path: Path) -> None:
    heard = []

    async def status(call: Call) -> None:
        heard.append(call.id)
        await asyncio.sleep(20)

    async with World(tmp_path) as world:
        call = world.call("c1", world.answering("c1"), keys=["", "3"])
        task = world.wait(call, asides={"3": status})
        await asyncio.sleep(11)
        second = world.wait(world.call("c2", world.answering("c2", talk=5)))
        await world.seat("1001")
        await asyncio.sleep(1)
        assert world.agent("1001").call == "c2"
        await second
        third = world.wait(world.call("c3"))
        await asyncio.sleep(15)
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c1", "c3"]
        assert call.music_on
        await world.agents.finish_wrap_up("1001")
        assert isinstance(await task, Served)
        assert heard == ["c1"]
        assert not third.done()


async def test_an_aside_is_heard_without_the_music(tmp_path: Path) -> None:
    heard = []

    async def status(call: Call) -> None:
        heard.append(call.music_on)  # type: ignore[attr-defined]

    async with World(tmp_path) as world:
        call = world.call("c1", keys=["", "3"])
        world.wait(call, asides={"3": status})
        await asyncio.sleep(11)
        assert heard == [False]
        assert call.music_on


async def test_a_caller_who_hangs_up_in_an_aside_has_left(tmp_path: Path) -> None:
    async def status(call: Call) -> None:
        await call.wait(60, wakeable=False)

    async with World(tmp_path) as world:
        call = world.call("c1", keys=["", "3"])
        task = world.wait(call, asides={"3": status})
        await asyncio.sleep(11)
        call.caller_hangs_up()
        with pytest.raises(HungUp):
            await task
        assert world.calls.records["c1"].outcome is Outcome.ABANDONED


async def test_a_key_that_comes_with_an_offer_does_not_cost_the_agent(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1", world.answering("c1"))

        async def wait(seconds: float, *, keys: str = "", wakeable: bool = True) -> Heard:
            await world.seat("1001")
            return Heard("1")

        call.wait = wait  # type: ignore[method-assign]
        assert isinstance(await world.wait(call), Served)


async def test_a_suggestion_is_made_at_once(tmp_path: Path) -> None:
    rules = QueueRules(name="complaint", overflow=(Overflow(when=When.WAIT, limit=70, to=To.CALLBACK),))
    async with World(tmp_path, queues=(rules,)) as world:
        call = world.call("c1")
        world.wait(call)
        await asyncio.sleep(69)
        assert call.played.count("hi/choices-12") == 1
        await asyncio.sleep(2)
        assert call.played.count("hi/choices-12") == 2


async def test_who_is_sent_away_is_let_go_and_can_be_helped_otherwise(tmp_path: Path) -> None:
    rules = QueueRules(name="complaint", overflow=(Overflow(when=When.WAIT, limit=70, to=To.GOODBYE),))
    async with World(tmp_path, queues=(rules,)) as world:
        assert await world.wait(world.call("c1")) == NotServed("waited too long")
        await asyncio.sleep(1)
        assert world.calls.records["c1"].outcome is Outcome.NOT_SERVED
        assert world.kept == set()


async def test_a_caller_who_is_moved_to_another_queue_is_answered_there_at_the_old_place(tmp_path: Path) -> None:
    rules = (
        QueueRules(
            name="scheme",
            required=(Need("service:scheme"),),
            overflow=(Overflow(when=When.WAIT, limit=30, to=To.QUEUE, queue="complaint"),),
        ),
        COMPLAINT,
    )
    async with World(tmp_path, queues=rules) as world:
        await world.seat("1001")
        await world.agents.set_skills("1001", {"service:scheme": 0})
        call = world.call("c1", world.answering("c1"))
        task = world.wait(call, Request(language="hi", service="scheme"))
        await asyncio.sleep(29)
        assert world.agent("1001").state is State.READY
        served = await task
        assert isinstance(served, Served)
        assert world.calls.records["c1"].joined_at == NOON


async def test_a_moved_caller_stands_in_the_new_queue_after_a_restart_too(tmp_path: Path) -> None:
    rules = (
        QueueRules(name="scheme", overflow=(Overflow(when=When.WAIT, limit=30, to=To.QUEUE, queue="complaint"),)),
        COMPLAINT,
    )
    first = await World(tmp_path, queues=rules).__aenter__()
    first.wait(first.call("c1"), Request(language="hi", service="scheme"))
    await asyncio.sleep(31)
    await first.__aexit__()
    async with World(tmp_path, after=first, queues=rules) as world:
        assert [w.service for w in world.acd.snapshot().waiting] == ["complaint"]


async def test_a_service_without_a_queue_of_its_own_is_waited_for_where_people_are_asked_for(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        world.wait(world.call("c1"), Request(language="hi", service="something new"))
        await asyncio.sleep(1)
        assert [w.service for w in world.acd.snapshot().waiting] == ["person"]


async def test_a_queue_without_an_answer_to_a_closed_one_tells_so_and_lets_go(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.acd.supervision.close_queue("complaint", announcement={"hi": "holiday"})
        call = world.call("c1")
        assert isinstance(await world.wait(call), NotServed)
        assert call.played == ["notices/holiday"]


async def test_a_session_that_only_broke_keeps_the_place(tmp_path: Path) -> None:
    class Breaking(ScriptedCall):
        async def wait(self, seconds: float, *, keys: str = "", wakeable: bool = True) -> Heard:
            await super().wait(3, wakeable=wakeable)
            raise HungUp(CLOSED)

    async with World(tmp_path) as world:
        with pytest.raises(HungUp):
            await world.wait(Breaking(call_id="c1"))
        assert [(w.call_id, w.attached) for w in world.acd.snapshot().waiting] == [("c1", False)]
        world.tell_hung_up("c1")
        await asyncio.sleep(0.1)
        assert world.acd.snapshot().waiting == ()


async def test_a_caller_who_comes_back_within_ten_minutes_gets_the_old_place(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        first = world.call("c1")
        world.wait(first)
        await asyncio.sleep(1)
        world.wait(world.call("c2"))
        await asyncio.sleep(10)
        first.caller_hangs_up()
        await asyncio.sleep(590)
        again = world.call("c9", world.answering("c9"), caller=first.caller)
        task = world.wait(again)
        await asyncio.sleep(1)
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c9", "c2"]
        await world.seat("1001")
        assert isinstance(await task, Served)
        assert world.calls.records["c9"].joined_at == NOON
        await asyncio.sleep(1)
        assert world.redis.hashes["acd:left"] == {}


async def test_after_ten_minutes_the_old_place_is_nobodys_but_a_repeat_caller_goes_before_first_ones(
    tmp_path: Path,
) -> None:
    async with World(tmp_path) as world:
        first = world.call("c1")
        world.wait(first)
        await asyncio.sleep(1)
        first.caller_hangs_up()
        await asyncio.sleep(601)
        world.wait(world.call("c2"))
        await asyncio.sleep(10)
        assert world.redis.hashes["acd:left"] == {}
        world.wait(world.call("c9", caller=first.caller))
        await asyncio.sleep(1)
        waiting = world.acd.snapshot().waiting
        assert [(w.call_id, w.urgency) for w in waiting] == [("c9", "repeat"), ("c2", "ordinary")]
        assert waiting[0].since > NOON + timedelta(seconds=601)


async def test_the_place_of_one_who_left_outlives_the_controller(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    call = first.call("c1")
    first.wait(call)
    await asyncio.sleep(1)
    call.caller_hangs_up()
    await asyncio.sleep(1)
    first.wait(first.call("c2"))
    await asyncio.sleep(1)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        world.wait(world.call("c9", caller=call.caller))
        await asyncio.sleep(1)
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c9", "c2"]


async def test_two_who_withhold_their_number_are_two(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        first = world.call("c1", caller="")
        world.wait(first)
        await asyncio.sleep(1)
        world.wait(world.call("c2"))
        await asyncio.sleep(1)
        first.caller_hangs_up()
        await asyncio.sleep(1)
        world.wait(world.call("c3", caller=""))
        await asyncio.sleep(1)
        waiting = world.acd.snapshot().waiting
        assert [(w.call_id, w.urgency) for w in waiting] == [("c2", "ordinary"), ("c3", "ordinary")]


async def test_a_caller_of_the_day_before_is_a_repeat_caller_after_a_restart_too(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    call = first.call("c1", keys=["", "2"])
    await first.wait(call)
    await asyncio.sleep(1)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        await asyncio.sleep(1)
        world.wait(world.call("c9", caller=call.caller))
        await asyncio.sleep(1)
        assert [w.urgency for w in world.acd.snapshot().waiting] == ["repeat"]


@pytest.mark.parametrize(("calls", "full"), [(1599, False), (1600, True)])
async def test_nobody_more_is_let_in_when_asterisks_limit_nears(tmp_path: Path, calls: int, full: bool) -> None:
    async with World(tmp_path, max_calls=2000) as world:
        world.calls_in_use = calls
        assert world.acd.full() is full


async def test_nobody_more_is_let_in_to_wait_when_the_line_is_long_though_calls_are_taken(tmp_path: Path) -> None:
    async with World(tmp_path, admission=Limits(max_waiting=2)) as world:
        world.wait(world.call("c1"))
        await asyncio.sleep(1)
        assert not world.acd.line_full()
        world.wait(world.call("c2"))
        await asyncio.sleep(1)
        assert world.acd.line_full()
        assert not world.acd.full()


async def test_who_comes_after_hours_hears_the_queues_own_words(tmp_path: Path) -> None:
    nights = QueueRules(name="complaint", hours=Hours(opens=time(22), closes=time(6), utc_minutes=0))
    async with World(tmp_path, queues=(nights,)) as world:
        call = world.call("c1")
        ended = await world.wait(call)
        assert ended == NotServed(OVERFLOW_REASONS[When.CLOSED])
        assert call.played == ["hi/closed-complaint"]


async def test_who_is_let_go_for_another_reason_hears_nothing_of_closing(tmp_path: Path) -> None:
    async with World(tmp_path, max_wait_seconds=5) as world:
        call = world.call("c1")
        assert isinstance(await world.wait(call), NotServed)
        assert "hi/closed-complaint" not in call.played


async def test_the_expected_wait_is_told_once_enough_was_seen_and_never_grows(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=1) as world:
        await world.seat("1001", "1002")
        for number in range(80):
            name = f"b{number}"
            world.wait(world.call(name, world.answering(name, ring=1, talk=40)))
        await asyncio.sleep(1400)
        call = world.call("c1")
        world.wait(call)
        await asyncio.sleep(300)
        told = [prompt.removeprefix("hi/expected-") for prompt in call.played if "expected" in prompt]
        assert told
        highs = [int(range.partition("-")[2]) for range in told]
        assert highs == sorted(highs, reverse=True)


async def test_every_event_of_the_engine_is_in_the_journal(tmp_path: Path) -> None:
    async def nothing(call: Call) -> None:
        return

    async with World(tmp_path) as world:
        task = world.wait(world.call("c1", world.answering("c1", talk=1), keys=["", "3"]), asides={"3": nothing})
        await asyncio.sleep(11)
        await world.seat("1001")
        await task
        await asyncio.sleep(40)
        kinds = [type(event).__name__ for event in world.journal.events]
    assert kinds[: len(DEFAULT_QUEUES)] == ["QueueOpened"] * len(DEFAULT_QUEUES)
    assert CallerDetached("c1") in world.journal.events
    order = ["CallerJoined", "CallerAttached", "AgentSignedIn", "AgentReady", "OfferAnswered", "CallEnded"]
    assert [kind for kind in dict.fromkeys(kinds) if kind in order] == order
