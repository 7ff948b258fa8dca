"""An officer's question becomes an agent's work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from acd.live.work import WorkItem
from grievance_core.testing import FixedClock, a_draft, memory_grievances
from helpline.questions import ASKED_WITHIN, Questions

pytestmark = pytest.mark.service


async def test_each_question_is_handed_out_once_a_day_until_it_is_answered() -> None:
    clock, work = FixedClock(), list[WorkItem]()

    async def add(item: WorkItem) -> None:
        work.append(item)

    async with memory_grievances(clock=clock) as grievances:
        questions = Questions(grievances, add)
        complaint = await grievances.register(a_draft(category="HOM-01"))
        withheld = await grievances.register(a_draft(category="HOM-01", caller=""))
        await grievances.ask_citizen(complaint.number, by="CO", text="कब")
        await grievances.ask_citizen(withheld.number, by="CO", text="कब")  # whom nobody can ring
        assert [await questions.hand_out(clock(), queue="person") for _ in range(2)] == [1, 0]
        (item,) = work
        assert (item.queue, item.needs, item.due_at) == ("person", ("language:hi",), clock() + ASKED_WITHIN)
        assert complaint.number in item.about.replace(" ", "")
        assert "9876543210" not in f"{item!r} {item.about}"
        assert await questions.hand_out(clock.move(days=1), queue="person") == 1
        assert {item.id for item in work} == {work[0].id}
        await grievances.reply_to_officer(complaint.number, text="कल", channel="desk")
        assert await questions.hand_out(clock.move(days=2), queue="person") == 0
        clock.now += timedelta(minutes=1)
        await grievances.ask_citizen(complaint.number, by="CO", text="कहाँ")
        await questions.hand_out(clock(), queue="person")
        assert work[-1].id != work[0].id
