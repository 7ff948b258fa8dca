"""What holds for every test: each module says which kind it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

KINDS = {"unit", "service", "live"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if len(KINDS & {mark.name for mark in item.iter_markers()}) != 1:
            raise pytest.UsageError(
                f"{item.nodeid} is not marked as one of {', '.join(sorted(KINDS))}: "
                "write `pytestmark = pytest.mark.unit` (or service, live) at the top of its module"
            )


@pytest.fixture(scope="session", autouse=True)
def loop_of_the_main_thread() -> Iterator[None]:
    """The loop that pytest's plugins ask for between the tests' own: made and closed here, so that none is left."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
