"""What holds for every test: each module says which kind it is."""

from __future__ import annotations

import pytest

KINDS = {"unit", "service", "live"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if len(KINDS & {mark.name for mark in item.iter_markers()}) != 1:
            raise pytest.UsageError(
                f"{item.nodeid} is not marked as one of {', '.join(sorted(KINDS))}: "
                "write `pytestmark = pytest.mark.unit` (or service, live) at the top of its module"
            )
