"""A letter is kept until it has arrived, or until a person says that it need not."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.errors import LetterRefused, NotDelivered
from grievance_core.outbox.box import Kept, Outbox, enqueue
from grievance_core.outbox.letters import JITTER, LONGEST_PAUSE, TRIED_FOR, Letter, State, next_try
from grievance_core.outbox.sender import AT_ONCE, Sender
from grievance_core.testing import NOON, FixedClock

pytestmark = pytest.mark.service

REFUSED = NotDelivered("answered 422: no such district", retryable=False)
AWAY = NotDelivered("was not reached", retryable=True)


class Carrier:
    """Notes what was sent, and fails as told by key."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.under_way = self.most = 0

    async def send(self, letter: Kept) -> str:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if (failure := self.failing.get(letter.key)) is not None:
            raise failure
        self.sent.append(letter.key)
        return "taken"


@pytest.fixture
def box(engine: AsyncEngine, clock: FixedClock) -> Outbox:
    return Outbox(async_sessionmaker(engine), clock=clock)


@pytest.fixture
def carrier() -> Carrier:
    return Carrier()


@pytest.fixture
def sender(box: Outbox, carrier: Carrier, clock: FixedClock) -> Sender:
    return Sender(box, carrier, to="igrs", clock=clock)


def letter(key: str, lane: str = "", *, to: str = "igrs", about: str = "") -> Letter:
    return Letter(to=to, key=key, lane=lane or key, about=about or lane or key, body={"text": "पानी", "n": 1})


async def write(engine: AsyncEngine, *letters: Letter) -> None:
    async with engine.begin() as session:
        await enqueue(session, letters, at=NOON)


async def all_sent(sender: Sender) -> None:
    while await sender.send_due():
        pass


async def test_letters_of_a_lane_keep_their_order_and_lanes_do_not_wait_for_each_other(
    engine: AsyncEngine, sender: Sender, carrier: Carrier, clock: FixedClock
) -> None:
    await write(engine, letter("a1", "a"), letter("a2", "a"), letter("b1", "b"), letter("a3", "a"), letter("b2", "b"))
    carrier.failing["a1"] = AWAY
    await all_sent(sender)
    assert carrier.sent == ["b1", "b2"]
    carrier.failing.clear()
    clock.move(minutes=1)
    await all_sent(sender)
    assert carrier.sent == ["b1", "b2", "a1", "a2", "a3"]


async def test_messages_of_one_complaint_leave_in_the_order_in_which_they_were_written(
    engine: AsyncEngine, sender: Sender, carrier: Carrier
) -> None:
    await write(engine, *(letter(f"{about}:{n}", about=about) for n in range(4) for about in "ab"))
    carrier.failing["a:1"] = REFUSED  # of a lane of its own: it holds up no other
    await all_sent(sender)
    assert [key for key in carrier.sent if key.startswith("a")] == ["a:0", "a:2", "a:3"]
    assert [key for key in carrier.sent if key.startswith("b")] == ["b:0", "b:1", "b:2", "b:3"]
    assert carrier.most == 2


async def test_only_a_few_are_under_way_at_once(engine: AsyncEngine, sender: Sender, carrier: Carrier) -> None:
    await write(engine, *(letter(f"l{n}") for n in range(40)))
    await all_sent(sender)
    assert len(carrier.sent) == 40
    assert 1 < carrier.most <= AT_ONCE


async def test_a_letter_of_another_system_is_left_alone(engine: AsyncEngine, sender: Sender, box: Outbox) -> None:
    await write(engine, letter("s1", to="sms"))
    await all_sent(sender)
    assert [one.state for one in await box.letters()] == [State.WAITING]
    assert await box.next_due("igrs") is None
    assert await box.next_due("sms") == NOON


async def test_what_is_refused_for_good_waits_for_a_person_and_holds_up_its_lane_only(
    engine: AsyncEngine, box: Outbox, sender: Sender, carrier: Carrier
) -> None:
    await write(engine, letter("a1", "a"), letter("a2", "a"), letter("b1", "b"))
    carrier.failing["a1"] = REFUSED
    await all_sent(sender)
    assert carrier.sent == ["b1"]
    [dead] = await box.letters(state=State.DEAD)
    assert (dead.key, dead.said) == ("a1", "answered 422: no such district")
    [pile] = await box.piles()
    assert (pile.waiting, pile.dead, pile.oldest) == (1, 1, NOON)
    carrier.failing.clear()
    await box.resend(dead.id, by="asha")
    await all_sent(sender)
    assert carrier.sent == ["b1", "a1", "a2"]
    assert (await box.get(dead.id)).by == "asha"
    assert await box.piles() == []


async def test_a_dropped_letter_lets_those_behind_it_go_on_and_the_reason_is_on_record(
    engine: AsyncEngine, box: Outbox, sender: Sender, carrier: Carrier
) -> None:
    await write(engine, letter("a1", "a"), letter("a2", "a"))
    carrier.failing["a1"] = REFUSED
    await all_sent(sender)
    [dead] = await box.letters(state=State.DEAD)
    with pytest.raises(LetterRefused, match="--reason"):
        await box.drop(dead.id, by="asha", reason=" ")
    dropped = await box.drop(dead.id, by="asha", reason="the district was told by phone")
    assert (dropped.state, dropped.said) == (State.DROPPED, "dropped: the district was told by phone")
    await all_sent(sender)
    assert carrier.sent == ["a2"]
    for decide in (box.resend(dead.id, by="asha"), box.drop(dead.id, by="asha", reason="again")):
        with pytest.raises(LetterRefused, match="dropped already"):
            await decide
    with pytest.raises(LetterRefused, match="no letter 99"):
        await box.resend(99, by="asha")


async def test_one_that_is_dropped_while_it_is_under_way_stays_dropped(engine: AsyncEngine, box: Outbox) -> None:
    await write(engine, letter("a1"))
    [under_way] = await box.due("igrs", 10)
    await box.drop(under_way.id, by="asha", reason="told by phone")
    await box.arrived(under_way)
    await box.failed(under_way, "away")
    assert (await box.get(under_way.id)).state is State.DROPPED


async def test_after_days_of_trying_a_person_is_asked_and_a_letter_they_send_again_is_tried_on(
    engine: AsyncEngine, box: Outbox, sender: Sender, carrier: Carrier, clock: FixedClock
) -> None:
    await write(engine, letter("a1"))
    carrier.failing["a1"] = AWAY
    tries = 0
    while not await box.letters(state=State.DEAD):
        tries += await sender.send_due()
        clock.move(minutes=10)
    [dead] = await box.letters()
    assert clock.now - NOON >= TRIED_FOR
    assert dead.tries == tries > 100
    assert dead.said == "not arrived for 3 days; last: was not reached"
    await box.resend(dead.id, by="asha")
    await sender.send_due()
    assert (await box.get(dead.id)).state is State.WAITING


async def test_whatever_a_carrier_runs_into_the_letter_is_kept_and_the_others_go(
    engine: AsyncEngine, box: Outbox, sender: Sender, carrier: Carrier
) -> None:
    await write(engine, letter("a1"), letter("b1"))
    carrier.failing["a1"] = KeyError("surprise")
    await sender.send_due()
    assert carrier.sent == ["b1"]
    kept = (await box.letters(state=State.WAITING))[0]
    assert (kept.said, kept.tries) == ("KeyError", 1)


async def test_a_sender_at_work_sends_what_is_written_as_soon_as_it_is_told(
    engine: AsyncEngine, sender: Sender, carrier: Carrier
) -> None:
    serving = asyncio.create_task(sender.serve())
    await asyncio.sleep(0.05)
    await write(engine, letter("a1"))
    sender.wake()
    async with asyncio.timeout(2):
        while carrier.sent != ["a1"]:
            await asyncio.sleep(0.01)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_change_that_is_not_committed_leaves_no_letter(engine: AsyncEngine, box: Outbox) -> None:
    async with engine.connect() as session:
        await enqueue(session, [letter("a1")], at=NOON)
        await session.rollback()
    assert await box.letters() == []


@given(st.text(min_size=1, max_size=20), st.integers(1, 60))
def test_each_pause_is_twice_as_long_up_to_the_longest_and_spread_by_the_key(key: str, tries: int) -> None:
    pause = next_try(key=key, tries=tries, now=NOON) - NOON
    straight = min(timedelta(seconds=5) * 2 ** min(tries - 1, 20), LONGEST_PAUSE)
    assert straight * (1 - JITTER) <= pause <= straight * (1 + JITTER)
    assert pause == next_try(key=key, tries=tries, now=NOON) - NOON
    assert next_try(key=key, tries=tries, now=NOON, asked=timedelta(hours=2)) - NOON == timedelta(hours=2)


def test_letters_that_failed_together_do_not_knock_together() -> None:
    assert len({next_try(key=f"k{n}", tries=3, now=NOON) for n in range(50)}) == 50
