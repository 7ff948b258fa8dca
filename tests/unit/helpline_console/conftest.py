from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.unit.helpline_console.stand_ins import House, house


@pytest_asyncio.fixture(name="house")
async def _house() -> AsyncIterator[House]:
    async with house() as made:
        yield made
