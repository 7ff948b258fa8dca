"""Lines of calls on their way to the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from acd.live.ledger import Ledger
from acd.records import CallRecord, Outcome
from acd.testing import MemoryCallLog
from tests.unit.acd.world import NOON

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

WAITING = CallRecord(
    call_id="c1", caller="", language="hi", service="complaint", joined_at=NOON, outcome=Outcome.WAITING
)
SERVED = replace(WAITING, outcome=Outcome.SERVED)


class SlowLog(MemoryCallLog):
    async def save(self, records: Sequence[CallRecord]) -> None:
        await asyncio.sleep(0.5)
        await super().save(records)


async def test_a_line_that_changes_while_it_is_written_is_written_again() -> None:
    log = SlowLog()
    ledger = Ledger(log)
    ledger.start()
    ledger.note(WAITING)
    await asyncio.sleep(0.2)
    ledger.note(SERVED)
    assert await ledger.written("c1")
    assert log.records["c1"] is SERVED
    await ledger.stop()


async def test_what_is_left_at_the_stop_is_written() -> None:
    log = MemoryCallLog()
    ledger = Ledger(log)
    ledger.note(SERVED)
    await ledger.stop()
    assert log.records["c1"] is SERVED


async def test_nobody_waits_long_for_a_database_that_fails() -> None:
    log = MemoryCallLog()
    log.down = True
    ledger = Ledger(log)
    ledger.start()
    ledger.note(SERVED)
    began = asyncio.get_running_loop().time()
    assert not await ledger.written("c1")
    assert not await ledger.written("c1")
    assert asyncio.get_running_loop().time() - began <= 1
    log.down = False
    await asyncio.sleep(2)
    assert await ledger.written("c1")
    await ledger.stop()
