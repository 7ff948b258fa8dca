"""Numbers that must not be rung, and how often a number was rung today."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dialer_do_not_ring",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_dialer_do_not_ring")),
    )
    with op.batch_alter_table("dialer_attempts", schema=None) as batch_op:
        batch_op.create_index("ix_dialer_attempts_number", ["number", "written_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("dialer_attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_dialer_attempts_number")
    op.drop_table("dialer_do_not_ring")
