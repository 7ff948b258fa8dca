"""The table of letters."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from grievance_core.outbox.letters import KEY_LIMIT
from grievance_core.tables import UtcDateTime, metadata

outbox_letters = Table(
    "outbox_letters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("to", String(10), nullable=False),
    Column("key", String(KEY_LIMIT), nullable=False, unique=True),
    Column("lane", String(KEY_LIMIT), nullable=False),
    Column("about", String(12), nullable=False),
    Column("body", Text, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
    Column("state", String(8), nullable=False),
    # When it is tried next; empty when it is not to be tried.
    Column("due_at", UtcDateTime),
    Column("tries", Integer, nullable=False),
    Column("said", String(300), nullable=False),  # by the other side or the network, at the last try
    Column("by", String(120), nullable=False),  # who sent it again or dropped it
    Column("ended_at", UtcDateTime),
    Index(None, "about"),
    # Few of many million are in these: what waits, and what a person is to look at.
    *(
        Index(
            f"ix_outbox_letters_{name}",
            *columns,
            sqlite_where=text(where),
            postgresql_where=text(where),
        )
        for name, columns, where in (
            ("due", ("due_at", "id"), "due_at IS NOT NULL"),
            ("undone", ("lane", "id"), "ended_at IS NULL"),
            ("dead", ("id",), "state = 'dead'"),
        )
    ),
)
