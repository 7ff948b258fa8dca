"""Officers: people, their posts, charge and leave, and what was changed by whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "officers",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("mobile", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officers")),
    )
    op.create_table(
        "postings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post", sa.String(length=120), nullable=False),
        sa.Column("officer", sa.String(length=30), nullable=False),
        sa.Column("hold", sa.String(length=8), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint("post", "officer", "hold", "first", name=op.f("uq_postings_post_officer_hold_first")),
    )
    with op.batch_alter_table("postings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_postings_officer"), ["officer"], unique=False)
    op.create_table(
        "officer_leaves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("officer", sa.String(length=30), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer_leaves")),
    )
    with op.batch_alter_table("officer_leaves", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_officer_leaves_officer"), ["officer"], unique=False)
    op.create_table(
        "complete_departments",
        sa.Column("department", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("department", name=op.f("pk_complete_departments")),
    )
    op.create_table(
        "roster_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_changes")),
    )


def downgrade() -> None:
    op.drop_table("roster_changes")
    op.drop_table("complete_departments")
    with op.batch_alter_table("officer_leaves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_officer_leaves_officer"))
    op.drop_table("officer_leaves")
    with op.batch_alter_table("postings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_postings_officer"))
    op.drop_table("postings")
    op.drop_table("officers")
