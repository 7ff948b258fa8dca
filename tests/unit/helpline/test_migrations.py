"""The steps of the schema lead to exactly the tables that the rooms describe, up and down, and lose no data."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, async_sessionmaker, create_async_engine

import acd.store
import agents.skills
import agents.store
import grievance_core.tables
import ivr.store
import outbound_dialer.campaign_tables
import outbound_dialer.store
from grievance_core.audit import Audit
from grievance_core.catalogue import Catalogue
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from helpline import storage
from helpline.errors import HelplineError, ServiceFailed
from helpline.storage import configuration, migrate, open_engine
from tests.postgres import Postgres

pytestmark = pytest.mark.service

T = TypeVar("T")

ROOMS: list[MetaData] = [
    module.metadata for module in (grievance_core.tables, agents.store, acd.store, outbound_dialer.store, ivr.store)
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "helpline.sqlite3"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@pytest.fixture(params=["sqlite", "postgresql"])
async def two_urls(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """Two empty databases of one kind; a test that asks for them runs on both kinds."""
    if request.param == "sqlite":
        yield tuple(f"sqlite+aiosqlite:///{tmp_path / name}.sqlite3" for name in ("one", "two"))  # type: ignore[misc]
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    names = ("steps_one", "steps_two")
    async with at_the_door(server) as connection:
        for name in names:
            await connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.url(names[0]), server.url(names[1])
    async with at_the_door(server) as connection:
        for name in names:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@asynccontextmanager
async def at_the_door(server: Postgres) -> AsyncIterator[AsyncConnection]:
    """A connection that makes and drops databases."""
    engine = create_async_engine(server.url(), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@pytest.fixture
def either_url(two_urls: tuple[str, str]) -> str:
    return two_urls[0]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is waited for so briefly that no test takes long."""
    monkeypatch.setattr(storage, "BUSY_SECONDS", 0.05)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another program writes to the database and does not end."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.close()


async def look(url: str, what: Callable[[Connection], T]) -> T:
    engine = open_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(what)
    finally:
        await engine.dispose()


def described(connection: Connection) -> dict[str, Any]:
    """All that the database itself tells about the rooms' tables."""
    inspector = inspect(connection)
    return {
        table: {
            "columns": [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)],
            "key": inspector.get_pk_constraint(table),
            "foreign keys": inspector.get_foreign_keys(table),
            "unique": sorted(map(str, inspector.get_unique_constraints(table))),
            "indexes": sorted(
                f"{index['name']} {index['column_names']} {index['unique']} {where_of(index)}"
                for index in inspector.get_indexes(table)
            ),
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


def where_of(index: Any) -> str:
    options = index.get("dialect_options", {})
    return str(options.get("sqlite_where", "")) + str(options.get("postgresql_where", ""))


async def test_the_steps_give_the_rooms_tables_and_alembic_finds_nothing_left_to_do(either_url: str) -> None:
    await migrate(either_url)

    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": ROOMS})
        return compare_metadata(context, ROOMS)  # type: ignore[arg-type]  # takes several, as env.py gives them

    assert await look(either_url, differences) == []


async def test_the_steps_give_what_the_rooms_create_themselves_to_the_last_index(two_urls: tuple[str, str]) -> None:
    url, fresh = two_urls
    await migrate(url)
    engine = open_engine(fresh)
    async with engine.begin() as connection:
        for metadata in ROOMS:
            await connection.run_sync(metadata.create_all)
    await engine.dispose()
    assert await look(url, described) == await look(fresh, described)


def test_no_two_rooms_own_a_table_of_the_same_name() -> None:
    names = [table for metadata in ROOMS for table in metadata.tables]
    assert len(names) == len(set(names))


def test_the_steps_are_one_line_without_a_fork(url: str) -> None:
    script = ScriptDirectory.from_config(configuration(url))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


async def test_an_existing_database_is_brought_up_to_date_with_its_data_kept(either_url: str) -> None:
    await migrate(either_url)
    engine = open_engine(either_url)
    grievances = Grievances(async_sessionmaker(engine), catalogue=Catalogue.shipped(), clock=FixedClock())
    complaint = await grievances.register(a_draft())
    await migrate(either_url)
    assert await grievances.get(complaint.number) == complaint
    await engine.dispose()


async def test_agents_of_before_the_skills_serve_all_in_their_languages_and_keep_their_pin(
    file: Path, url: str
) -> None:
    await asyncio.to_thread(command.upgrade, configuration(url), "0001")
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO agents (id, name, languages, md5_cred, pin_hash, wrong_pins, created_at) "
            "VALUES ('1001', 'आशा', 'hi ur', 'm', 'p', 2, '2026-01-05 12:00:00')"
        )
    connection.close()
    await migrate(url)
    engine = open_engine(url)
    [asha] = await agents.store.AgentStore(async_sessionmaker(engine)).all()
    await engine.dispose()
    assert asha.skills == agents.skills.default_skills(["hi", "ur"])
    assert (asha.line, asha.auto_answer, asha.pin_hash, asha.wrong_pins) == ("on_hook", False, "p", 2)


def _old_complaint(connection: Connection) -> None:
    """A complaint of before the step 0003, with its events."""
    waited = "'1970-01-02 00:00:00'" if connection.dialect.name == "sqlite" else "'1 day'"
    connection.exec_driver_sql(
        "INSERT INTO complaints (number, kind, category, department, district, text, caller, name, language, "
        "channel, state, level, registered_at, due_at, waited, reported_at, dissatisfied, missed, overdue, version) "
        "VALUES ('123456789010', 'complaint', 'ENE-02', 'ENE', '162', 'बिजली', '9876543210', '', 'hi', 'call', "
        f"'awaiting_feedback', 1, '2026-01-05 12:00:00', '2026-01-12 12:00:00', {waited}, '2026-01-06 12:00:00', "
        "0, 2, false, 2)"
    )
    for seq, kind, state in ((1, "registered", "registered"), (2, "reported", "awaiting_feedback")):
        connection.exec_driver_sql(
            'INSERT INTO complaint_events (number, seq, kind, at, "by", channel, state, level, text, report, reason) '
            f"VALUES ('123456789010', {seq}, '{kind}', '2026-01-05 12:00:00', 'citizen', 'call', '{state}', 1, "
            "'', '', '')"
        )
    connection.commit()


async def test_complaints_of_before_the_whole_life_get_what_it_reads_and_their_events_are_sealed(
    either_url: str,
) -> None:
    await asyncio.to_thread(command.upgrade, configuration(either_url), "0002")
    await look(either_url, _old_complaint)
    await migrate(either_url)
    engine = open_engine(either_url)
    sessions = async_sessionmaker(engine)
    complaint = await Grievances(sessions, catalogue=Catalogue.shipped(), clock=FixedClock()).get("123456789010")
    verdict = await Audit(sessions, clock=FixedClock()).verify()
    await engine.dispose()
    assert (complaint.ends_at, complaint.ask_at) == (complaint.due_at + timedelta(days=1), complaint.reported_at)  # type: ignore[operator]
    assert complaint.unreached == 2
    assert len(complaint.pin) == 4
    assert (verdict.faults, verdict.events, verdict.unsealed) == ([], 2, 2)


def _old_figures(connection: Connection) -> None:
    """Roll-ups of before the step 0009: a post's, and the district's that counts the same once more."""
    names = ("reported", "solved", "in_time", "dissatisfied", "not_reached", "closed_specially", "answered")
    for of, day, number in (("post", "2026-01-05", 3), ("post", "2026-01-11", 4), ("district", "2026-01-05", 3)):
        connection.exec_driver_sql(
            f"INSERT INTO figure_counts (of, day, district, category, level, post, registered, {', '.join(names)}, "
            f"time_ran_out) VALUES ('{of}', '{day}', '162', 'ENE-02', 1, 'p', {number}, 0, 0, 0, 0, 0, 0, 0, 0)"
        )
    connection.commit()


async def test_what_was_registered_before_the_weeks_were_rolled_up_stands_in_them(either_url: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(either_url), "0008")
    await look(either_url, _old_figures)
    await migrate(either_url)
    weeks = text("SELECT district, category, monday, tuesday, sunday FROM registered_weeks ORDER BY district")
    rows = await look(either_url, lambda connection: [tuple(row) for row in connection.execute(weeks)])
    assert rows == [("", "ENE-02", 3, 0, 4), ("162", "ENE-02", 3, 0, 4)]


async def test_down_to_nothing_and_up_again_works(either_url: str) -> None:
    await migrate(either_url)
    before = await look(either_url, described)
    await asyncio.to_thread(command.downgrade, configuration(either_url), "base")
    assert await look(either_url, described) == {}
    await migrate(either_url)
    assert await look(either_url, described) == before


async def test_each_single_step_can_be_taken_back_and_made_again(either_url: str) -> None:
    script = ScriptDirectory.from_config(configuration(either_url))
    for step in reversed(list(script.walk_revisions())):
        await asyncio.to_thread(command.upgrade, configuration(either_url), step.revision)
        after = await look(either_url, described)
        await asyncio.to_thread(command.downgrade, configuration(either_url), "-1")
        await asyncio.to_thread(command.upgrade, configuration(either_url), step.revision)
        assert await look(either_url, described) == after


@pytest.mark.parametrize("existing", [True, False], ids=["with its tables", "empty"])
async def test_a_locked_database_is_told_in_plain_words_and_works_when_it_is_free(
    existing: bool, file: Path, url: str, impatient: None
) -> None:
    if existing:
        await migrate(url)
        await asyncio.to_thread(command.downgrade, configuration(url), "base")
    with locked(file), pytest.raises(ServiceFailed, match=r"locked by another program.*try again"):
        await migrate(url)
    await migrate(url)
    assert "complaints" in await look(url, described)


async def test_a_database_that_can_not_be_opened_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ServiceFailed, match=r"unable to open.*database_url in the settings"):
        await migrate(f"sqlite+aiosqlite:///{tmp_path / 'none' / 'helpline.sqlite3'}")


async def test_a_file_that_is_no_database_is_told_and_left_alone(file: Path, url: str) -> None:
    file.write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(HelplineError, match=r"database_url in the settings"):
        await migrate(url)
    assert file.read_bytes().startswith(b"This is a letter")


async def test_a_database_of_a_newer_helpline_is_told_and_left_alone(file: Path, url: str) -> None:
    await migrate(url)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(HelplineError, match=r"newer.*9999"):
        await migrate(url)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("helpline.sqlite3", id="no address"),
        pytest.param("postgresql+nosuchdriver://127.0.0.1/x", id="no such driver"),
        pytest.param("mssql+aioodbc://127.0.0.1/x", id="a driver that is not installed"),
        pytest.param("sqlite:///helpline.sqlite3", id="a driver that is not async"),
    ],
)
async def test_a_database_url_that_can_not_be_used_names_the_setting(wrong: str) -> None:
    with pytest.raises(HelplineError, match=r"database_url in the settings"):
        await migrate(wrong)


async def test_a_database_server_that_does_not_answer_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(command, "upgrade", refused)
    with pytest.raises(ServiceFailed, match=r"does not answer.*database_url in the settings"):
        await migrate(url)
