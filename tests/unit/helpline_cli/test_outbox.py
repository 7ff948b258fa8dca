"""`helpline outbox` shows what did not arrive and does what a person decides; the operator's page is true."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

import helpline
from grievance_core.outbox.box import Outbox
from helpline.storage import open_engine
from tests.unit.helpline_cli.stand_ins import Shell
from tests.unit.helpline_cli.test_complaint import REGISTER

pytestmark = pytest.mark.service

PAGE = Path(helpline.__file__).parent.parent / "docs" / "dead-letters.md"


@pytest.fixture
def number(shell: Shell) -> str:
    """A complaint of a helpline that tells IGRS, whose first letter was refused."""
    shell.file.write_text('[igrs]\nurl = "http://127.0.0.1:9"\n' + shell.file.read_text(), encoding="utf-8")
    text = shell.file.read_text(encoding="utf-8")
    top, _, rest = text.partition("run_folder")
    shell.file.write_text(f"run_folder{rest}{top}", encoding="utf-8")
    number = str(shell.json(*REGISTER)["number"])

    async def refuse(box: Outbox) -> None:
        await box.refused((await box.letters())[0], "IGRS answered 422: no such district")

    on_the_box(shell, refuse)
    return number


def on_the_box(shell: Shell, work: Callable[[Outbox], Awaitable[None]]) -> None:
    async def worked() -> None:
        engine = open_engine(shell.settings.database)
        await work(Outbox(async_sessionmaker(engine), clock=lambda: datetime.now(UTC)))
        await engine.dispose()

    asyncio.run(worked())


def test_dead_letters_are_listed_with_what_was_said_and_without_the_citizens_words(shell: Shell, number: str) -> None:
    shown = shell.fine("outbox", "list")
    assert "no such district" in shown
    assert number in shown
    assert "ट्रांसफार्मर" not in shown + shell.fine("outbox", "list", "--state", "all", "--json")
    assert [one["state"] for one in shell.json("outbox", "list", "--state", "all", "--number", number)] == [
        "dead",
        "waiting",
    ]
    assert "ट्रांसफार्मर" in shell.fine("outbox", "show", "1")


def test_a_letter_is_sent_again_or_dropped_by_somebody_for_a_reason(shell: Shell, number: str) -> None:
    assert "sent again" in shell.fine("outbox", "resend", "1", "--by", "asha")
    assert json.loads(shell.fine("outbox", "show", "1"))["by"] == "asha"
    assert "goes on" in shell.fine("outbox", "drop", "1", "--reason", "told by phone")
    assert "dropped already" in shell.refused("outbox", "resend", "1")
    assert "nobody need decide" in shell.fine("outbox", "list")


def test_what_is_wrong_is_told(shell: Shell, number: str) -> None:
    assert "no letter 99" in shell.refused("outbox", "show", "99")
    assert "give one of waiting" in shell.refused("outbox", "list", "--state", "lost")
    assert "--reason" in shell.refused("outbox", "drop", "1", "--reason", " ")


def test_without_a_database_the_next_step_is_told(shell: Shell) -> None:
    assert "helpline run" in shell.refused("outbox", "list")


def test_every_command_of_the_operators_page_does_what_the_page_says(shell: Shell, number: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    commands = re.findall(r"^    helpline (.+)$", text, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        words = [word.strip('"') for word in re.findall(r"\"[^\"]*\"|\S+", command.replace("NUMBER", number))]
        if words[0] != "status":  # needs a running helpline
            shell.fine(*words)
