from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from grievance_core.tables import UtcDateTime, metadata

pytestmark = pytest.mark.unit

IST = timezone(timedelta(hours=5, minutes=30))


def test_times_are_stored_in_utc_and_come_back_aware() -> None:
    column = UtcDateTime()
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=IST)
    stored = column.process_bind_param(noon, sqlite.dialect())
    assert stored is not None
    assert stored.tzinfo is UTC
    assert column.process_result_value(stored.replace(tzinfo=None), sqlite.dialect()) == noon
    assert column.process_result_value(noon, postgresql.dialect()) == noon
    assert column.process_bind_param(None, sqlite.dialect()) is None
    assert column.process_result_value(None, sqlite.dialect()) is None


def test_a_naive_time_is_refused_at_the_door() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 11, 24), sqlite.dialect())  # noqa: DTZ001  naive on purpose


def test_the_tables_can_be_made_on_postgresql_with_names_that_fit() -> None:
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        assert "WITHOUT TIME ZONE" not in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert len(str(index.name)) <= 63
            str(CreateIndex(index).compile(dialect=dialect))
