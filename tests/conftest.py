"""What holds for every test: each module says which kind it is."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.postgres import Postgres, start_postgres

# How long an example takes says more of the machine than of the code: speed is measured in bench/.
settings.register_profile("helpline", deadline=None)
settings.load_profile("helpline")


def pytest_configure() -> None:
    """Ended from outside, a run takes its fixtures down as after Ctrl+C: else their Redis and Asterisk would stay."""
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A script's background job is born deaf to Ctrl+C, and so would be every program that the tests start.
        signal.signal(signal.SIGINT, signal.default_int_handler)


KINDS = {"unit", "service", "live"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if len(KINDS & {mark.name for mark in item.iter_markers()}) != 1:
            raise pytest.UsageError(
                f"{item.nodeid} is not marked as one of {', '.join(sorted(KINDS))}: "
                "write `pytestmark = pytest.mark.unit` (or service, live) at the top of its module"
            )


@pytest.fixture(scope="session", autouse=True)
def no_loop_by_the_way() -> None:
    """Plugins ask for the current loop before plain tests too, which makes one that nobody closes: forbid that."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL of this run's own, started by the first test that asks for it."""
    server = start_postgres()
    yield server
    server.stop()
