"""The tables of officers: people, who has which post from when to when, leave, and what was changed by whom."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, String, Table, Text, UniqueConstraint

from grievance_core.complaint import SHORT_LIMIT
from grievance_core.tables import UtcDateTime, metadata

officers = Table(
    "officers",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("name", String(SHORT_LIMIT), nullable=False),
    Column("mobile", String(10), nullable=False),
)

# Never deleted: who answered for a post on a day of ten years ago must be told.
postings = Table(
    "postings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("post", String(120), nullable=False),
    Column("officer", String(30), nullable=False),
    Column("hold", String(8), nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date),
    UniqueConstraint("post", "officer", "hold", "first"),
    Index(None, "officer"),
)

officer_leaves = Table(
    "officer_leaves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("officer", String(30), nullable=False, index=True),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
)

# Departments whose posts without a name count as nobody's.
complete_departments = Table("complete_departments", metadata, Column("department", String(8), primary_key=True))

# What was changed, by whom and why; the newest id is the roster's version.
roster_changes = Table(
    "roster_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(SHORT_LIMIT), nullable=False),
    Column("why", Text, nullable=False),
    Column("what", Text, nullable=False),
)
