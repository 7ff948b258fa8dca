"""What was registered by week, filled from the roll-ups that are there."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BATCH = 5_000


def upgrade() -> None:
    weeks = op.create_table(
        "registered_weeks",
        sa.Column("district", sa.String(length=8), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        *(sa.Column(day, sa.Integer(), nullable=False) for day in WEEKDAYS),
        sa.PrimaryKeyConstraint("district", "week", "category", name=op.f("pk_registered_weeks")),
    )
    with op.batch_alter_table("registered_weeks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registered_weeks_week"), ["week"], unique=False)
    _fill(weeks)


def _fill(weeks: sa.Table) -> None:
    counts = sa.table(
        "figure_counts",
        *(sa.column(name) for name in ("of", "district", "category")),
        sa.column("day", sa.Date()),
        sa.column("registered", sa.Integer()),
    )
    wanted = sa.select(counts.c.day, counts.c.district, counts.c.category, counts.c.registered).where(
        counts.c.of == "post", counts.c.registered > 0
    )
    found: dict[tuple[str, date, str], Counter[str]] = {}
    for day, district, category, number in op.get_bind().execute(wanted):
        for place in (district, ""):
            key = (place, day - timedelta(days=day.weekday()), category)
            found.setdefault(key, Counter())[WEEKDAYS[day.weekday()]] += number
    rows = [
        {"district": district, "week": week, "category": category, **{day: counted[day] for day in WEEKDAYS}}
        for (district, week, category), counted in sorted(found.items())
    ]
    for at in range(0, len(rows), BATCH):
        op.bulk_insert(weeks, rows[at : at + BATCH])


def downgrade() -> None:
    with op.batch_alter_table("registered_weeks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_registered_weeks_week"))
    op.drop_table("registered_weeks")
