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
QUEUEING = (ROOT / "docs" / "queueing.md").read_text("utf-8")
TESTS = sorted(set(re.findall(r"`([\w/]+\.py)::(test_\w+)`", QUEUEING)))
TROUBLES = {*range(5, 15), *range(21, 26)}


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


@pytest.mark.parametrize(("file", "test"), TESTS)
def test_every_test_that_the_document_of_queueing_names_exists(file: str, test: str) -> None:
    """Found in its file, which is named from its room on."""
    files = list((ROOT / "tests").rglob(f"*/{file}")) + list((ROOT / "tests").glob(f"*/{file}"))
    where = [path for path in {*files, ROOT / "tests" / file} if path.is_file()]
    assert len(where) == 1, f"{file}: {where}"
    assert re.search(rf"^(async )?def {test}\(", where[0].read_text("utf-8"), re.MULTILINE)


def test_each_trouble_of_others_and_each_setting_of_app_queue_has_a_test() -> None:
    troubles, settings = QUEUEING.split("## Troubles of others")[1].split("## app_queue's settings")
    numbered = re.findall(r"^\| (\d+) \|.*$", troubles, re.MULTILINE)
    assert {int(number) for number in numbered} == TROUBLES
    rows = [row for row in (troubles + settings).splitlines() if re.match(r"\| [^-]", row) and "| test |" not in row]
    assert len(rows) > 40
    assert [row for row in rows if "::test_" not in row] == []
