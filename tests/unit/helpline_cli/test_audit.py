"""`helpline audit` tells whether the record of complaints is as it was written."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from grievance_core.audit import Audit
from helpline.storage import open_engine
from tests.unit.helpline_cli.stand_ins import Shell
from tests.unit.helpline_cli.test_complaint import REGISTER

pytestmark = pytest.mark.service


@pytest.fixture
def number(shell: Shell) -> str:
    return str(shell.json(*REGISTER)["number"])


def seal(shell: Shell) -> None:
    async def sealed() -> None:
        engine = open_engine(shell.settings.database)
        await Audit(async_sessionmaker(engine), clock=lambda: datetime.now(UTC)).seal()
        await engine.dispose()

    asyncio.run(sealed())


def change(shell: Shell, statement: str) -> None:
    with closing(sqlite3.connect(shell.settings.database.partition(":///")[2])) as connection, connection:
        connection.execute(statement)


def test_an_honest_record_is_told_with_its_size(shell: Shell, number: str) -> None:
    assert "As it was written: 2 events of 1 complaints, 0 seals (2 events" in shell.fine("audit", "verify")
    seal(shell)
    assert shell.json("audit", "verify")["not_sealed_yet"] == 0
    head = shell.fine("audit", "head").strip()
    assert "As it was written" in shell.fine("audit", "verify", "--head", head)
    assert "2 events of 1 complaints." in shell.fine("audit", "verify", "--number", number)


def test_a_changed_record_ends_with_an_error_that_says_what_to_do(shell: Shell, number: str) -> None:
    change(shell, "UPDATE complaint_events SET text = 'nothing' WHERE seq = 1")
    for arguments in (("audit", "verify"), ("audit", "verify", "--number", number)):
        result = shell(*arguments)
        assert result.exit_code == 1
        assert f"Complaint {number}: event 1 (registered) is not what was sealed." in result.output
        assert "compare it with the last backup" in result.output


def test_a_record_written_anew_does_not_fit_a_kept_seal(shell: Shell, number: str) -> None:
    seal(shell)
    result = shell("audit", "verify", "--head", "1:" + "0" * 64)
    assert result.exit_code == 1
    assert "Seal 1 is not the one that was kept" in result.output


def test_what_is_no_seal_is_refused(shell: Shell, number: str) -> None:
    assert "takes what `helpline audit head` printed" in shell.refused("audit", "verify", "--head", "12")


def test_without_a_database_or_a_seal_the_next_step_is_told(shell: Shell) -> None:
    assert "helpline run" in shell.refused("audit", "verify")
    shell.json(*REGISTER)
    assert "Nothing is sealed yet" in shell.refused("audit", "head")
