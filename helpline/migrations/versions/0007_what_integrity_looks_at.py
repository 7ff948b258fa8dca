"""An index for what integrity looks at: who was satisfied, reported, asked a second time, pressed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WATCHED = "kind IN ('satisfied', 'reported', 'second_feedback', 'pressed')"


def upgrade() -> None:
    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.create_index(
            "ix_complaint_events_watched",
            ["kind", "at"],
            unique=False,
            sqlite_where=sa.text(WATCHED),
            postgresql_where=sa.text(WATCHED),
        )


def downgrade() -> None:
    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_complaint_events_watched", sqlite_where=sa.text(WATCHED), postgresql_where=sa.text(WATCHED)
        )
