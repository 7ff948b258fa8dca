"""`helpline queue replay` and `whatif`: what is told, as a table and as JSON, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from acd.engine.decisions import Decision
from acd.engine.events import Event
from acd.history.days import Crew, Plan, draw_day
from acd.history.journal import Begin, Entry, encode
from acd.history.simulation import simulate
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 25, tzinfo=ZoneInfo("Asia/Kolkata"))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    lines = [encode(Begin(at=START, run="1"))]

    def watch(event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        lines.append(encode(Entry(at=at, events=(event,), decisions=tuple(decisions))))

    simulate(draw_day(Plan(calls=300, crews=(Crew(agents=2, begins_hour=0, ends_hour=24),)), START, 1), watch=watch)
    file = tmp_path / "2026-11-25.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(autouse=True)
def _one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process beside this one."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)


def test_a_replay_that_decides_the_same_says_so(shell: Shell, journal: Path) -> None:
    told = shell.fine("queue", "replay", str(journal))
    assert told.startswith("the same")
    assert "1 start(s) of the controller" in told
    found = shell.json("queue", "replay", str(journal))
    assert found["same"] is True
    assert found["events"] > 1000
    assert found["difference"] is None


def test_a_replay_that_decides_otherwise_ends_with_1_and_tells_the_first_difference(
    shell: Shell, journal: Path
) -> None:
    changed = journal.read_text().replace(
        '"decided":[{"is":"Offer","caller":"call-0"', '"decided":[{"is":"Offer","caller":"x"'
    )
    journal.write_text(changed)
    result = shell("queue", "replay", str(journal))
    assert result.exit_code == 1
    assert "DIFFERENT" in result.stdout
    assert "the engine then offered x to agent" in result.stdout
    assert "now it offered call-0 to agent" in result.stdout


def test_a_line_that_was_cut_off_is_told_and_the_rest_replayed(shell: Shell, journal: Path) -> None:
    journal.write_text(journal.read_text() + '{"v":1,"at"')
    assert "Cut off when a controller died: line" in shell.fine("queue", "replay", str(journal))


def test_what_is_no_journal_is_refused_with_the_lines_number(shell: Shell, journal: Path) -> None:
    journal.write_text("hello\nworld\n")
    assert "line 1: it is cut off, or no JSON" in shell.refused("queue", "replay", str(journal))
    assert "No such file" in shell.refused("queue", "replay", str(journal.with_name("none.jsonl")))


def test_what_if_on_a_recorded_day_prints_recorded_baseline_and_changed(shell: Shell, journal: Path) -> None:
    asked = ("queue", "whatif", str(journal), "--seats", "+2", "--from", "10:00", "--until", "18:00", "--seeds", "2")
    told = shell.fine(*asked)
    assert "+2 seats from 10:00 to 18:00, 2026-11-25.jsonl, 2 seeds" in told
    assert "as recorded" in told
    for figure in ("service level", "abandoned", "mean wait, s", "occupancy of agents"):
        assert figure in told
    assert "±" in told
    found = shell.json(*asked)
    level = next(row for row in found["from"] if row["name"] == "service level")
    assert level["changed"] > level["baseline"]
    assert level["margin"] is not None
    assert level["recorded"] == pytest.approx(level["baseline"], abs=0.1)


def test_what_if_without_a_file_simulates_a_day(shell: Shell) -> None:
    found = shell.json(
        *("queue", "whatif", "--seats", "-2", "--from", "10:00", "--calls", "600", "--agents", "4,4,2", "--seeds", "1")
    )
    assert found["of"] == "simulated"
    wait = next(row for row in found["from"] if row["name"] == "mean wait, s")
    assert wait["difference"] > 0
    assert wait["margin"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Say how many seats more or fewer"),
        (("--seats", "3", "--from", "18:00", "--until", "10:00"), "18:00 is not before --until 10:00"),
        (("--seats", "3", "--from", "ten"), "--from ten: give a time of the day such as 10:00"),
        (("--seats", "3", "--agents", "5,5"), "give three numbers"),
    ],
    ids=["nothing-changed", "backwards", "no-time", "two-shifts"],
)
def test_what_can_not_be_asked_is_refused_with_what_to_give(shell: Shell, arguments: Sequence[str], told: str) -> None:
    assert told in shell.refused("queue", "whatif", *arguments)


def test_a_journal_without_a_day_is_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text(encode(Begin(at=START, run="1")) + "\n")
    assert "The journal holds no day to play again" in shell.refused("queue", "whatif", str(file), "--seats", "1")
