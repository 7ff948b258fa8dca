"""The whole life of a complaint, seals that make its events tamper-evident, and callers who are senior or disabled.

Complaints of before get a PIN, drawn at random, and what the clock and the dialer read; their events are sealed as they
are now.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EVENT_COLUMNS: tuple[tuple[str, Any], ...] = (
    ("by_level", sa.SmallInteger()),
    ("about", sa.String(length=12)),
    ("amount", sa.SmallInteger()),
    ("flags", sa.String(length=60)),
    ("seal", sa.String(length=64)),
)
COMPLAINT_COLUMNS: tuple[tuple[str, Any], ...] = (
    ("confidential", sa.Boolean()),
    ("pin", sa.String(length=4)),
    ("excluded", sa.String(length=20)),
    ("flags", sa.String(length=60)),
    ("warned", sa.SmallInteger()),
    ("extended", sa.SmallInteger()),
    ("transfers", sa.SmallInteger()),
    ("objections", sa.SmallInteger()),
    ("proposed_by", sa.String(length=120)),
    ("proposed_level", sa.SmallInteger()),
    ("proposed_reason", sa.String(length=30)),
    ("unreached", sa.Integer()),
    ("supporters", sa.Integer()),
    ("supporters_for", sa.Integer()),
    ("supporters_against", sa.Integer()),
)
SEALED = (
    *("number", "seq", "kind", "at", "by", "channel", "state", "level", "post"),
    *("text", "report", "reason", "attempt"),
)

complaints = sa.table(
    "complaints",
    sa.column("number", sa.String),
    sa.column("state", sa.String),
    sa.column("due_at", sa.DateTime(timezone=True)),
    sa.column("waited", sa.Interval),
    sa.column("reported_at", sa.DateTime(timezone=True)),
    sa.column("missed", sa.Integer),
    sa.column("pin", sa.String),
    sa.column("ends_at", sa.DateTime(timezone=True)),
    sa.column("ask_at", sa.DateTime(timezone=True)),
    sa.column("unreached", sa.Integer),
)
events = sa.table(
    "complaint_events",
    *(
        sa.column(name, sa.DateTime(timezone=True) if name == "at" else sa.String)
        for name in SEALED
        if name not in ("seq", "level")
    ),
    sa.column("seq", sa.Integer),
    sa.column("level", sa.Integer),
    sa.column("seal", sa.String),
)


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seals")),
    )
    op.create_table(
        "wrong_pins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrong_pins")),
    )
    with op.batch_alter_table("wrong_pins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wrong_pins_number_at"), ["number", "at"], unique=False)

    op.create_table(
        "vulnerable_callers",
        sa.Column("caller", sa.String(length=20), nullable=False),
        sa.Column("said_by", sa.String(length=60), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_vulnerable_callers")),
    )
    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_level", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("about", sa.String(length=12), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("amount", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("flags", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("seal", sa.String(length=64), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("sealed_in", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_complaint_events_sealed_in"), ["sealed_in"], unique=False)
        batch_op.create_index(
            "ix_complaint_events_unsealed",
            ["number", "seq"],
            unique=False,
            sqlite_where=sa.text("sealed_in IS NULL"),
            postgresql_where=sa.text("sealed_in IS NULL"),
        )
        batch_op.create_index(
            "ix_complaint_events_special",
            ["at", "post"],
            unique=False,
            sqlite_where=sa.text("kind = 'special_closure'"),
            postgresql_where=sa.text("kind = 'special_closure'"),
        )

    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.add_column(sa.Column("confidential", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("accused", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("pin", sa.String(length=4), nullable=False, server_default="?"))
        batch_op.add_column(sa.Column("excluded", sa.String(length=20), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("flags", sa.String(length=60), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("warned", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("extended", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("transfers", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("objections", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("proposed_by", sa.String(length=120), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("proposed_level", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("proposed_reason", sa.String(length=30), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("unreached", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("question_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("parent", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("supporters", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("supporters_for", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("supporters_against", sa.Integer(), nullable=False, server_default="0"))
        batch_op.create_index(
            batch_op.f("ix_complaints_ask_at_number"),
            ["ask_at", "number"],
            unique=False,
            sqlite_where=sa.text("ask_at IS NOT NULL"),
            postgresql_where=sa.text("ask_at IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_complaints_district_category_registered_at"),
            ["district", "category", "registered_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_complaints_parent_number"),
            ["parent", "number"],
            unique=False,
            sqlite_where=sa.text("parent IS NOT NULL"),
            postgresql_where=sa.text("parent IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_complaints_question_at_number"),
            ["question_at", "number"],
            unique=False,
            sqlite_where=sa.text("question_at IS NOT NULL"),
            postgresql_where=sa.text("question_at IS NOT NULL"),
        )

    _fill_complaints(op.get_bind())
    _seal_events(op.get_bind())

    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        for name, kind in EVENT_COLUMNS:
            batch_op.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        for name, kind in COMPLAINT_COLUMNS:
            batch_op.alter_column(name, existing_type=kind, existing_nullable=False, server_default=None)


def _fill_complaints(connection: sa.Connection) -> None:
    """A PIN for each, when its time ends, and whose citizen is to be asked."""
    rows = connection.execute(sa.select(complaints)).all()
    for row in rows:
        asked = row.state == "awaiting_feedback"
        connection.execute(
            complaints.update().where(complaints.c.number == row.number),
            {
                "pin": f"{secrets.randbelow(10_000):04}",
                "ends_at": row.due_at + row.waited if row.due_at else None,
                "ask_at": row.reported_at if asked else None,
                "unreached": row.missed if asked else 0,
            },
        )


def _seal_events(connection: sa.Connection) -> None:
    """Seal what is there as `grievance_core.chain.sealed` seals it; written out, for a step stays what it was."""
    rows = connection.execute(sa.select(events).order_by(events.c.number, events.c.seq)).all()
    number, before = "", ""
    for row in rows:
        said = {name: getattr(row, name) for name in SEALED}
        at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
        said["at"] = at.isoformat(timespec="microseconds")
        before = before if row.number == number else ""
        number = row.number
        content = json.dumps([before, said], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(content.encode()).hexdigest()
        place = (events.c.number == row.number, events.c.seq == row.seq)
        connection.execute(events.update().where(*place).values(seal=before))


def downgrade() -> None:
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_complaints_question_at_number"),
            sqlite_where=sa.text("question_at IS NOT NULL"),
            postgresql_where=sa.text("question_at IS NOT NULL"),
        )
        batch_op.drop_index(
            batch_op.f("ix_complaints_parent_number"),
            sqlite_where=sa.text("parent IS NOT NULL"),
            postgresql_where=sa.text("parent IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_complaints_district_category_registered_at"))
        batch_op.drop_index(
            batch_op.f("ix_complaints_ask_at_number"),
            sqlite_where=sa.text("ask_at IS NOT NULL"),
            postgresql_where=sa.text("ask_at IS NOT NULL"),
        )
        batch_op.drop_column("supporters_against")
        batch_op.drop_column("supporters_for")
        batch_op.drop_column("supporters")
        batch_op.drop_column("parent")
        batch_op.drop_column("question_at")
        batch_op.drop_column("unreached")
        batch_op.drop_column("ask_at")
        batch_op.drop_column("proposed_reason")
        batch_op.drop_column("proposed_level")
        batch_op.drop_column("proposed_by")
        batch_op.drop_column("objections")
        batch_op.drop_column("transfers")
        batch_op.drop_column("extended")
        batch_op.drop_column("warned")
        batch_op.drop_column("ends_at")
        batch_op.drop_column("flags")
        batch_op.drop_column("excluded")
        batch_op.drop_column("pin")
        batch_op.drop_column("accused")
        batch_op.drop_column("confidential")

    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_complaint_events_special",
            sqlite_where=sa.text("kind = 'special_closure'"),
            postgresql_where=sa.text("kind = 'special_closure'"),
        )
        batch_op.drop_index(
            "ix_complaint_events_unsealed",
            sqlite_where=sa.text("sealed_in IS NULL"),
            postgresql_where=sa.text("sealed_in IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_complaint_events_sealed_in"))
        batch_op.drop_column("sealed_in")
        batch_op.drop_column("seal")
        batch_op.drop_column("flags")
        batch_op.drop_column("due_at")
        batch_op.drop_column("amount")
        batch_op.drop_column("about")
        batch_op.drop_column("by_level")

    op.drop_table("vulnerable_callers")
    with op.batch_alter_table("wrong_pins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_wrong_pins_number_at"))

    op.drop_table("wrong_pins")
    op.drop_table("audit_seals")
