"""Campaigns of outgoing calls, the lists imported into them, and the contacts on those."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LOADING = sa.text("loaded_at IS NULL")
NEXT = sa.text("waits_until IS NULL AND settled_as IS NULL")
RESTING = sa.text("waits_until IS NOT NULL AND settled_as IS NULL")


def upgrade() -> None:
    op.create_table(
        "dialer_campaigns",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=120), nullable=False),
        sa.Column("caller_id", sa.String(length=15), nullable=False),
        sa.Column("trunk", sa.String(length=40), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("calls_per_second", sa.Float(), nullable=False),
        sa.Column("max_tries", sa.Integer(), nullable=False),
        sa.Column("opens", sa.String(length=5), nullable=True),
        sa.Column("closes", sa.String(length=5), nullable=True),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_dialer_campaigns")),
    )
    op.create_table(
        "dialer_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["dialer_campaigns.name"], name=op.f("fk_dialer_lists_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_lists")),
    )
    op.create_index("ix_dialer_lists_campaign", "dialer_lists", ["campaign"])
    op.create_index(
        "uq_dialer_lists_loading",
        "dialer_lists",
        ["campaign"],
        unique=True,
        sqlite_where=LOADING,
        postgresql_where=LOADING,
    )
    op.create_table(
        "dialer_contacts",
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("list", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("complaint", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_as", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("campaign", "key", name=op.f("pk_dialer_contacts")),
    )
    op.create_index(
        "ix_dialer_contacts_next",
        "dialer_contacts",
        ["list", "due_at", "key"],
        sqlite_where=NEXT,
        postgresql_where=NEXT,
    )
    op.create_index(
        "ix_dialer_contacts_resting",
        "dialer_contacts",
        ["list", "waits_until"],
        sqlite_where=RESTING,
        postgresql_where=RESTING,
    )


def downgrade() -> None:
    op.drop_table("dialer_contacts")
    op.drop_table("dialer_lists")
    op.drop_table("dialer_campaigns")
