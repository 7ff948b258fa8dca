"""What the documents name exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
ROOMS = "acd|agents|asterisk_conf|grievance_core|helpline|ivr|outbound_dialer|telephony"
NAMES = sorted(set(re.findall(rf"`((?:{ROOMS})(?:\.\w+)+)`", (ROOT / "docs" / "architecture.md").read_text("utf-8"))))
FILES = sorted(
    set(re.findall(rf"`((?:{ROOMS}|tests|docs)/[\w./*-]+)`", (ROOT / "docs" / "architecture.md").read_text()))
)


def found(name: str) -> object:
    """The module, class, function or value of that dotted name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise LookupError(name)


def test_the_architecture_names_the_steps_of_a_call() -> None:
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_every_function_that_the_architecture_names_exists(name: str) -> None:
    assert found(name) is not None


@pytest.mark.parametrize("pattern", FILES)
def test_every_file_that_the_architecture_names_exists(pattern: str) -> None:
    assert list(ROOT.glob(pattern))
