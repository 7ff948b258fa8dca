"""The tables of the figures: roll-ups of events, and how far they have come."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, SmallInteger, String, Table

from grievance_core.figures.counting import WEEKDAYS, Figure
from grievance_core.tables import metadata

# A column for each figure: a question for all of them reads one row where it would read nine.
figure_counts = Table(
    "figure_counts",
    metadata,
    Column("of", String(8), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("district", String(8), primary_key=True),
    Column("category", String(8), primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("post", String(120), primary_key=True),
    *(Column(figure.value, Integer, nullable=False) for figure in Figure),
    Index(None, "of", "district", "day"),
)

# Rows that come to nothing are taken out, so it stays as small as what is open.
open_counts = Table(
    "open_counts",
    metadata,
    Column("district", String(8), primary_key=True),
    Column("category", String(8), primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("registered", Date, primary_key=True),
    Column("number", Integer, nullable=False),
    Index(None, "registered"),
)

# A row for each week and not for each day: a year of all places is a seventh of the rows.
registered_weeks = Table(
    "registered_weeks",
    metadata,
    Column("district", String(8), primary_key=True),  # empty for the state
    Column("week", Date, primary_key=True),
    Column("category", String(8), primary_key=True),
    *(Column(day, Integer, nullable=False) for day in WEEKDAYS),
    Index(None, "week"),
)

# One row: the last seal over all whose events are counted.
figures_position = Table(
    "figures_position",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seal", Integer, nullable=False),
)
