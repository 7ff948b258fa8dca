"""One running helpline for the tests of this folder, put back into order before each of them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from asterisk_conf.programs import Programs
from helpline.demo.lab import Lab

SETTLE_SECONDS = 8.0


@pytest.fixture(scope="session")
def session_lab(programs: Programs) -> Iterator[Lab]:
    """Started once. Its folder's path is short, because Asterisk's control socket lies below it."""
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    lab = Lab(folder, programs, ring_seconds=5)
    asyncio.run(lab.start())
    yield lab
    asyncio.run(lab.stop())
    shutil.rmtree(folder)


@pytest.fixture
async def lab(session_lab: Lab) -> AsyncIterator[Lab]:
    """The helpline with every agent signed out; afterwards no channel or bridge may be left in it."""
    yield session_lab
    await nothing_goes_on(session_lab)
    for new in session_lab.agents:
        await session_lab.post(f"/api/agents/{new.agent.id}/sign-out", by="test")


async def nothing_goes_on(lab: Lab) -> None:
    """Wait until no call is left anywhere; fail when one stays."""
    assert lab.stack.asterisk is not None
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        channels = await lab.stack.asterisk.cli("core show channels concise")
        bridges = "\n".join((await lab.stack.asterisk.cli("bridge show all")).splitlines()[1:])
        queue = await lab.get("/api/queue")
        left = [channels.strip(), bridges.strip(), queue["waiting"], queue["talking"]]
        if not any(left):
            return
        assert time.monotonic() < deadline, f"left over: {left}"
        await asyncio.sleep(0.1)
