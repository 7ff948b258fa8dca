from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grievance_core import tables
from helpline import storage
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.unit

REGISTER = (
    "complaint",
    "register",
    "-c",
    "ENE-02",
    "-d",
    "Lucknow",
    "-t",
    "ट्रांसफार्मर जला है",
    "--caller",
    "09876543210",
)


def test_a_database_that_is_not_there_yet_is_made_at_first_use(tmp_path: Path) -> None:
    file = tmp_path / "helpline.toml"
    file.touch()
    new = Shell(file)
    number = new.json(*REGISTER)["number"]
    assert [found["number"] for found in new.json("complaint", "list")] == [number]


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """With the tables of the grievance core in an SQLite file."""

    async def make() -> None:
        engine = storage.open_engine(shell.settings.database)
        async with engine.begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
        await engine.dispose()

    shell.settings.run_folder.mkdir()
    asyncio.run(make())
    return shell


@pytest.fixture
def number(shell: Shell) -> str:
    return str(shell.json(*REGISTER)["number"])


def test_a_complaint_is_registered_and_with_its_officer_at_once(shell: Shell) -> None:
    said = shell.fine(*REGISTER)
    assert said.startswith("Registered as ") or "with officer" in said
    assert "Lucknow (L1), due " in said


def test_it_is_found_by_number_caller_state_and_place(shell: Shell, number: str) -> None:
    for conditions in (
        (),
        ("--caller", "+919876543210"),
        ("--state", "with officer"),
        ("--district", "लखनऊ", "--level", "1"),
        ("--department", "ene"),
    ):
        assert [found["number"] for found in shell.json("complaint", "list", *conditions)] == [number]
    for conditions in (("--level", "2"), ("--caller", "9876500000"), ("--state", "merged"), ("--district", "Agra")):
        assert shell.json("complaint", "list", *conditions) == []
    assert number in shell.fine("complaint", "list")
    assert "No complaint matches." in shell.fine("complaint", "list", "--level", "2")


def test_its_history_is_shown(shell: Shell, number: str) -> None:
    shown = shell.json("complaint", "show", f"{number[:3]} {number[3:]}")
    assert [event["kind"] for event in shown["history"]] == ["registered", "assigned"]
    assert shown["caller"] == "9876543210"
    assert "ट्रांसफार्मर" in shell.fine("complaint", "show", number)


def test_it_goes_its_way_from_report_to_the_second_level_and_its_end(shell: Shell, number: str) -> None:
    def report() -> str:
        return str(shell.json("complaint", "report", number, "--by", "JE", "-t", "done")["state"])

    def feedback(answer: str) -> tuple[str, int]:
        view = shell.json("complaint", "feedback", number, answer)
        return view["state"], view["level"]

    assert report() == "awaiting_feedback"
    assert feedback("--dissatisfied") == ("under_review", 1)
    assert report() == "awaiting_feedback"
    assert feedback("--dissatisfied") == ("escalated", 2)
    assert report() == "awaiting_feedback"
    assert feedback("--satisfied") == ("closed_satisfied", 2)


def test_the_same_attempt_counts_once(shell: Shell, number: str) -> None:
    shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
    for _ in range(2):
        said = shell.json("complaint", "feedback", number, "--dissatisfied", "--attempt", "call-7")
    assert (said["state"], said["dissatisfied"]) == ("under_review", 1)


def close(level: str) -> tuple[str, ...]:
    return ("--by", "SP", "--level", level, "--reason", "found_untrue", "-t", "untrue", "--report", "seen")


def test_level_1_never_closes_specially(shell: Shell, number: str) -> None:
    assert "L1 never closes specially" in shell.refused("complaint", "close", number, *close("2"))


def test_level_2_proposes_to_close_specially(shell: Shell, number: str) -> None:
    for _ in range(2):
        shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
        shell.fine("complaint", "feedback", number, "--dissatisfied")
    assert shell.json("complaint", "close", number, *close("2"))["state"] == "closure_proposed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("show", "123"), "12 digits", id="a short number"),
        pytest.param(("show", "123456789012"), "wrong or two are swapped", id="a wrong digit"),
        pytest.param(("list", "--state", "asleep"), "Choose one of: registered", id="an unknown state"),
        pytest.param(("list", "--district", "Luknow"), "Did you mean", id="a misspelt district"),
        pytest.param(("register", "-c", "X", "-d", "Agra", "-t", "x"), "There is no category", id="a wrong category"),
        pytest.param(("register", "-c", "HOM-01", "-d", "Agra", "-t", " "), "The statement is empty", id="no text"),
        pytest.param(("list", "--caller", "me"), "can't be read", id="a number of letters"),
    ],
)
def test_bad_input_is_told_plainly(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    assert said in shell.refused("complaint", *arguments)


def test_a_wrong_option_is_a_usage_error(shell: Shell) -> None:
    assert shell("complaint", "list", "--level", "5").exit_code == 2


def test_a_database_without_tables_is_told_plainly(shell: Shell) -> None:
    file = shell.settings.run_folder / "helpline.sqlite3"
    file.unlink()
    file.touch()
    assert shell.refused("complaint", "list").strip()


def test_the_rules_are_printed_whole(shell: Shell) -> None:
    from grievance_core.lifecycle_table import TABLE

    assert len(shell.json("complaint", "lifecycle")) == len(TABLE)
    assert "L1 never closes specially" in shell.fine("complaint", "lifecycle")


def test_voice_messages_are_listed(shell: Shell) -> None:
    assert "No voice message waits." in shell.fine("complaint", "voice")

    async def file_one() -> None:
        engine = storage.open_engine(shell.settings.database)
        async with engine.begin() as connection:
            row = {"path": "a.wav", "caller": "", "taken_at": datetime.now(UTC), "filed_at": datetime.now(UTC)}
            await connection.execute(tables.metadata.tables["voice_messages"].insert(), [row])
        await engine.dispose()

    asyncio.run(file_one())
    assert [message["path"] for message in shell.json("complaint", "voice")] == ["a.wav"]
    assert "withheld" in shell.fine("complaint", "voice")
