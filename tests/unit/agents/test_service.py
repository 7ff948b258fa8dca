"""Agents in the running controller, on virtual time and without a database."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from agents.agent import Line, PresenceChanged
from agents.errors import InvalidAgent, InvalidSkill, NotAvailable, NotPossible, PinLocked, UnknownAgent, WrongPin
from agents.presence import DID_NOT_ANSWER, WORK_NOT_DONE, State
from agents.store import PRESENCE_KEY, Record
from agents.testing import MemoryAgents, MemoryRedis

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class SetClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class SlowRedis(MemoryRedis):
    """Writes wait for `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()

    async def wait_to_write(self) -> None:
        await self.go.wait()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def agents(clock: SetClock) -> MemoryAgents:
    return MemoryAgents(clock=clock)


async def test_a_new_agent_signs_in_with_the_pin_that_was_told_once(agents: MemoryAgents) -> None:
    new = await agents.add(id="1001", name="Asha", languages=["hi", "en"])
    assert agents.get("1001").state is State.SIGNED_OUT
    assert (await agents.sign_in("1001", pin=new.pin)).state is State.READY
    phone = agents.phones()[0]
    assert (phone.endpoint, phone.display_name) == ("agent-1001", "Asha")
    kept = repr(agents.store.records)
    assert new.pin not in kept
    assert new.password not in kept


@pytest.mark.parametrize("id", ["", "999", "2001", "10011", "abcd", "1076", "1098"])
async def test_a_number_that_the_dialplan_can_not_ring_is_refused(agents: MemoryAgents, id: str) -> None:
    with pytest.raises(InvalidAgent, match="1000 to 1999"):
        await agents.add(id=id, name="Asha", languages=["hi"])


async def test_a_number_is_given_once(agents: MemoryAgents) -> None:
    await agents.add(id="1001", name="Asha", languages=["hi"])
    with pytest.raises(InvalidAgent, match="exists already"):
        await agents.add(id="1001", name="Ravi", languages=["hi"])


async def test_an_unknown_agent_is_named_with_where_to_look(agents: MemoryAgents) -> None:
    with pytest.raises(UnknownAgent, match="agents list"):
        await agents.sign_in("1009", pin="1")


async def test_wrong_pins_are_counted_down_and_then_locked_for_a_while(agents: MemoryAgents, clock: SetClock) -> None:
    new = await agents.add(id="1001", name="Asha", languages=["hi"])
    left = []
    for _ in range(4):
        with pytest.raises(WrongPin) as caught:
            await agents.sign_in("1001", pin="000000")
        left.append(caught.value.tries_left)
    assert left == [4, 3, 2, 1]
    with pytest.raises(PinLocked, match="5 minutes"):
        await agents.sign_in("1001", pin="000000")
    with pytest.raises(PinLocked):
        await agents.sign_in("1001", pin=new.pin)
    clock.forward(301)
    assert (await agents.sign_in("1001", pin=new.pin)).state is State.READY


async def test_wrong_pins_sent_all_at_once_are_counted_one_by_one(agents: MemoryAgents) -> None:
    await agents.add(id="1001", name="Asha", languages=["hi"])
    tries = [agents.sign_in("1001", pin="000000") for _ in range(6)]
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(end) for end in ends] == [WrongPin] * 4 + [PinLocked] * 2


async def test_signing_in_twice_changes_nothing(agents: MemoryAgents, clock: SetClock) -> None:
    first = await agents.seat("1001")
    clock.forward(60)
    assert await agents.sign_in("1001", by="supervisor") is first


async def test_a_call_is_offered_only_to_a_ready_agent_whose_phone_is_there(agents: MemoryAgents) -> None:
    await agents.seat("1001")
    agents.phone_state("agent-1001", False)
    assert not agents.get("1001").available
    with pytest.raises(NotAvailable, match="softphone"):
        await agents.ringing("1001", "c1", seconds=15)
    agents.phone_state("agent-1001", True)
    await agents.ringing("1001", "c1", seconds=15)
    with pytest.raises(NotAvailable, match="rung already"):
        await agents.ringing("1001", "c2", seconds=15)


async def test_an_off_hook_agent_is_offered_calls_only_while_the_line_is_open(agents: MemoryAgents) -> None:
    agent = await agents.seat("1001", line=Line.OFF_HOOK)
    assert not agent.available
    with pytest.raises(NotAvailable, match=r"Dial \*1"):
        await agents.ringing("1001", "c1", seconds=15)
    agents.line_state("1001", True)
    assert agents.get("1001").available
    assert (await agents.ringing("1001", "c1", seconds=15)).state is State.RINGING


async def test_a_pause_needs_a_reason_and_a_signed_in_agent(agents: MemoryAgents) -> None:
    await agents.seat("1001")
    with pytest.raises(NotPossible, match="reason"):
        await agents.pause("1001", " ")
    await agents.sign_out("1001")
    with pytest.raises(NotPossible, match="sign in first"):
        await agents.pause("1001", "lunch")


async def test_a_transient_state_ends_at_its_deadline(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    await agents.seat("1002")
    await agents.ringing("1001", "c1", seconds=20)
    await agents.talking("1002", "c2")
    await agents.wrap_up("1002", call="c2", seconds=30)
    assert agents.next_deadline() == NOON + timedelta(seconds=20)
    assert await agents.expire() == []
    clock.forward(20)
    await agents.expire()
    assert (agents.get("1001").state, agents.get("1001").reason) == (State.PAUSED, DID_NOT_ANSWER)
    assert agents.next_deadline() == NOON + timedelta(seconds=30)
    clock.forward(10)
    await agents.expire()
    assert agents.get("1002").state is State.READY
    assert agents.next_deadline() is None


async def test_a_deadline_of_a_state_that_is_over_does_nothing(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    await agents.ringing("1001", "c1", seconds=20)
    await agents.talking("1001", "c1")
    assert agents.next_deadline() is None
    clock.forward(60)
    assert await agents.expire() == []
    assert agents.get("1001").state is State.TALKING


async def test_watchers_hear_each_change_in_order_after_it_was_written(agents: MemoryAgents) -> None:
    heard: list[str] = []

    def watcher(change: PresenceChanged) -> None:
        kept = agents.redis.hashes[PRESENCE_KEY][change.after.id]
        assert f'"{change.after.state}"' in kept
        heard.append(f"{change.before.state} > {change.after.state}")

    await agents.seat("1001")
    agents.watch(watcher)
    await agents.ringing("1001", "c1", seconds=15)
    await agents.talking("1001", "c1")
    await agents.wrap_up("1001", call="c1", seconds=30)
    assert heard == ["ready > ringing", "ringing > talking", "talking > wrap_up"]


async def test_a_failing_watcher_stops_neither_the_change_nor_the_others(
    agents: MemoryAgents, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[PresenceChanged] = []

    def broken(_: PresenceChanged) -> None:
        raise RuntimeError("out of order")

    agents.watch(broken)
    agents.watch(heard.append)
    await agents.seat("1001")
    assert heard
    assert "A watcher of presence failed" in caplog.text


async def test_a_phone_that_goes_while_a_change_is_written_is_not_forgotten(clock: SetClock) -> None:
    redis = SlowRedis()
    agents = MemoryAgents(clock=clock, redis=redis)
    await agents.seat("1001")
    redis.go.clear()
    changing = asyncio.create_task(agents.pause("1001", "lunch"))
    await asyncio.sleep(0)
    agents.phone_state("agent-1001", False)
    redis.go.set()
    await changing
    assert not agents.get("1001").phone_reachable
    assert agents.get("1001").state is State.PAUSED


async def test_the_next_controller_takes_up_what_each_agent_was_doing(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    await agents.seat("1002")
    await agents.talking("1001", "c1")
    await agents.pause("1002", "lunch")
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    assert [agent.presence for agent in restarted.list()] == [agent.presence for agent in agents.list()]


async def test_a_presence_that_can_not_be_read_counts_as_signed_out(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    agents.redis.hashes[PRESENCE_KEY]["1001"] = '{"state": "asleep"}'
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    assert restarted.get("1001").state is State.SIGNED_OUT


async def test_without_redis_the_controller_goes_on_and_says_so_once(
    agents: MemoryAgents, caplog: pytest.LogCaptureFixture
) -> None:
    await agents.seat("1001")
    agents.redis.down = True
    await agents.pause("1001", "lunch")
    await agents.ready("1001")
    assert agents.get("1001").state is State.READY
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1


@pytest.mark.looptime
async def test_a_redis_that_comes_back_empty_is_filled_again(agents: MemoryAgents) -> None:
    await agents.seat("1001")
    await agents.start()
    before = dict(agents.redis.hashes[PRESENCE_KEY])
    agents.redis.lose()
    await asyncio.sleep(2)
    assert agents.redis.hashes[PRESENCE_KEY] == before
    await agents.stop()


@pytest.mark.looptime
async def test_what_changed_while_redis_was_away_is_written_when_it_is_back(agents: MemoryAgents) -> None:
    await agents.seat("1001")
    await agents.start()
    agents.redis.down = True
    await asyncio.sleep(3)
    await agents.pause("1001", "lunch")
    agents.redis.down = False
    await asyncio.sleep(2)
    assert '"lunch"' in agents.redis.hashes[PRESENCE_KEY]["1001"]
    await agents.stop()


async def test_a_cancelled_change_is_seen_whole(clock: SetClock) -> None:
    redis = SlowRedis()
    agents = MemoryAgents(clock=clock, redis=redis)
    await agents.seat("1001")
    redis.go.clear()
    changing = asyncio.create_task(agents.pause("1001", "lunch"))
    await asyncio.sleep(0)
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert agents.get("1001").state is State.PAUSED
    redis.go.set()
    await agents.stop()
    assert '"lunch"' in redis.hashes[PRESENCE_KEY]["1001"]


async def test_new_secrets_make_the_old_ones_void(agents: MemoryAgents) -> None:
    old = await agents.add(id="1001", name="Asha", languages=["hi"])
    before = agents.phones()[0].md5_cred
    new = await agents.new_password("1001")
    assert agents.phones()[0].md5_cred != before
    with pytest.raises(WrongPin):
        await agents.sign_in("1001", pin=old.pin)
    assert (await agents.sign_in("1001", pin=new.pin)).state is State.READY


async def test_skills_are_changed_kept_for_good_and_told_to_the_watchers(agents: MemoryAgents, clock: SetClock) -> None:
    heard: list[PresenceChanged] = []
    await agents.add(id="1001", name="Asha", languages=["hi", "en"])
    agents.watch(heard.append)
    agent = await agents.set_skills("1001", {"speciality:land": 7, "language:en": 9, "service:person": 0})
    assert agent.skills["speciality:land"] == 7
    assert "service:person" not in agent.skills
    assert agent.languages == ("en", "hi")
    assert [change.after.skills for change in heard] == [agent.skills]
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    assert restarted.get("1001") == agent


async def test_a_refused_skill_changes_nothing(agents: MemoryAgents) -> None:
    before = await agents.seat("1001")
    with pytest.raises(InvalidSkill, match="Levels are 1 to 9"):
        await agents.set_skills("1001", {"service:complaint": 9, "speciality:land": 10})
    assert agents.get("1001") is before
    assert agents.store.records[before.id].skills == before.skills


async def test_the_kind_of_line_and_auto_answer_are_kept_for_good(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    await agents.set_line("1001", Line.OFF_HOOK)
    await agents.set_auto_answer("1001", True)
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    assert (restarted.get("1001").line, restarted.get("1001").auto_answer) == ("off_hook", True)


async def test_skills_set_while_a_pin_is_checked_are_not_lost(agents: MemoryAgents) -> None:
    new = await agents.add(id="1001", name="Asha", languages=["hi"])
    with pytest.raises(WrongPin):
        await agents.sign_in("1001", pin="000000")
    await asyncio.gather(
        agents.sign_in("1001", pin=new.pin), agents.set_skills("1001", {"speciality:land": 3}), return_exceptions=True
    )
    assert agents.store.records[new.agent.id].skills["speciality:land"] == 3
    await agents.set_line("1001", Line.OFF_HOOK)
    assert agents.get("1001").skills["speciality:land"] == 3
    assert agents.store.records[new.agent.id].wrong_pins == 0


async def test_a_wrong_pin_that_comes_while_skills_are_written_is_still_counted(
    agents: MemoryAgents, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agents.add(id="1001", name="Asha", languages=["hi"])
    writing, written = asyncio.Event(), asyncio.Event()

    async def slow(record: Record) -> None:
        writing.set()
        await written.wait()

    monkeypatch.setattr(agents.store, "put", slow)
    setting = asyncio.create_task(agents.set_line("1001", Line.OFF_HOOK))
    await writing.wait()
    with pytest.raises(WrongPin):
        await agents.sign_in("1001", pin="000000")
    written.set()
    await setting
    with pytest.raises(WrongPin) as second:
        await agents.sign_in("1001", pin="000000")
    assert second.value.tries_left == 3


async def test_an_open_line_is_told_to_the_watchers_and_is_nobodys_after_a_restart(
    agents: MemoryAgents, clock: SetClock
) -> None:
    await agents.seat("1001", line=Line.OFF_HOOK)
    heard: list[PresenceChanged] = []
    agents.watch(heard.append)
    agents.line_state("1001", True)
    agents.line_state("1001", True)
    agents.line_state("1999", True)
    assert [(change.before.line_open, change.after.line_open) for change in heard] == [(False, True)]
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    assert not restarted.get("1001").line_open


async def test_a_wrap_up_is_extended_once_and_its_deadline_holds(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    with pytest.raises(NotPossible, match="not in wrap-up"):
        await agents.extend_wrap_up("1001")
    await agents.talking("1001", "c1")
    await agents.wrap_up("1001", call="c1", seconds=30)
    clock.forward(20)
    assert (await agents.extend_wrap_up("1001")).presence.until == NOON + timedelta(seconds=90)
    with pytest.raises(NotPossible, match="already"):
        await agents.extend_wrap_up("1001")
    clock.forward(69)
    assert await agents.expire() == []
    clock.forward(1)
    await agents.expire()
    assert agents.get("1001").state is State.READY
    await agents.talking("1001", "c2")
    await agents.wrap_up("1001", call="c2", seconds=30)
    assert (await agents.extend_wrap_up("1001")).presence.extended, "each wrap-up has one"


@pytest.mark.parametrize(("seconds", "until"), [(150, 180), (170, 180)])
async def test_an_extension_ends_at_the_longest_wrap_up(agents: MemoryAgents, seconds: float, until: float) -> None:
    await agents.seat("1001")
    await agents.talking("1001", "c1")
    await agents.wrap_up("1001", call="c1", seconds=seconds)
    assert (await agents.extend_wrap_up("1001")).presence.until == NOON + timedelta(seconds=until)


async def test_a_wrap_up_that_is_as_long_as_can_be_is_not_extended(agents: MemoryAgents) -> None:
    await agents.seat("1001")
    await agents.talking("1001", "c1")
    await agents.wrap_up("1001", call="c1", seconds=200)
    with pytest.raises(NotPossible, match="longest wrap-up"):
        await agents.extend_wrap_up("1001")
    assert agents.get("1001").presence.until == NOON + timedelta(seconds=200)


async def test_a_work_item_needs_a_ready_agent_but_no_phone_and_keeps_calls_away(agents: MemoryAgents) -> None:
    await agents.seat("1001")
    agents.phone_state("agent-1001", False)
    agent = await agents.working("1001", "item-1", seconds=600)
    assert (agent.state, agent.call, agent.available) == (State.WORKING, "item-1", False)
    agents.phone_state("agent-1001", True)
    with pytest.raises(NotAvailable, match="at work on an item"):
        await agents.ringing("1001", "c1", seconds=15)
    with pytest.raises(NotPossible, match="at work on an item"):
        await agents.working("1001", "item-2", seconds=600)
    assert (await agents.finish_work("1001", "item-2")).state is State.WORKING
    assert (await agents.finish_work("1001", "item-1")).state is State.READY


async def test_a_work_item_whose_time_ran_out_pauses_the_agent(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    await agents.working("1001", "item-1", seconds=600)
    assert agents.next_deadline() == NOON + timedelta(seconds=600)
    clock.forward(600)
    [agent] = await agents.expire()
    assert (agent.state, agent.reason) == (State.PAUSED, WORK_NOT_DONE)


async def test_the_busy_share_of_the_shift_survives_a_restart(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    clock.forward(60)
    await agents.talking("1001", "c1")
    clock.forward(30)
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    clock.forward(30)
    await restarted.wrap_up("1001", call="c1", seconds=30)
    assert restarted.get("1001").busy_share == 0.5
    await restarted.sign_out("1001")
    await restarted.sign_in("1001", by="supervisor")
    assert restarted.get("1001").busy_share == 0


async def test_a_presence_of_the_first_version_can_be_read(agents: MemoryAgents, clock: SetClock) -> None:
    await agents.seat("1001")
    kept = json.loads(agents.redis.hashes[PRESENCE_KEY]["1001"])
    for later in ("extended", "signed_in_at", "busy_seconds"):
        del kept[later]
    agents.redis.hashes[PRESENCE_KEY]["1001"] = json.dumps(kept)
    restarted = MemoryAgents(clock=clock, redis=agents.redis, store=agents.store)
    await restarted.load()
    assert (restarted.get("1001").state, restarted.get("1001").busy_share) == (State.READY, 0)
