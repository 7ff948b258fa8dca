"""Roll-ups of the leadership's figures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_counts",
        sa.Column("of", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("district", sa.String(length=8), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("post", sa.String(length=120), nullable=False),
        sa.Column("registered", sa.Integer(), nullable=False),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("dissatisfied", sa.Integer(), nullable=False),
        sa.Column("not_reached", sa.Integer(), nullable=False),
        sa.Column("closed_specially", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("time_ran_out", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("of", "day", "district", "category", "level", "post", name=op.f("pk_figure_counts")),
    )
    with op.batch_alter_table("figure_counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_figure_counts_of_district_day"), ["of", "district", "day"], unique=False)
    op.create_table(
        "figures_position",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seal", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figures_position")),
    )
    op.create_table(
        "open_counts",
        sa.Column("district", sa.String(length=8), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("registered", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district", "category", "level", "registered", name=op.f("pk_open_counts")),
    )
    with op.batch_alter_table("open_counts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_open_counts_registered"), ["registered"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("open_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_open_counts_registered"))
    op.drop_table("open_counts")
    op.drop_table("figures_position")
    with op.batch_alter_table("figure_counts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_figure_counts_of_district_day"))
    op.drop_table("figure_counts")
