"""The index for what integrity looks at holds all answers, so that agents are set beside each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = "ix_complaint_events_watched"
BEFORE = "kind IN ('satisfied', 'reported', 'second_feedback', 'pressed')"
WATCHED = (
    "kind IN ('satisfied', 'dissatisfied_first', 'dissatisfied_again', 'dissatisfied_at_top', 'feedback_missed', "
    "'reported', 'second_feedback', 'pressed')"
)


def upgrade() -> None:
    _index(BEFORE, WATCHED)


def downgrade() -> None:
    _index(WATCHED, BEFORE)


def _index(old: str, new: str) -> None:
    with op.batch_alter_table("complaint_events", schema=None) as batch_op:
        batch_op.drop_index(NAME, sqlite_where=sa.text(old), postgresql_where=sa.text(old))
        batch_op.create_index(
            NAME, ["kind", "at"], unique=False, sqlite_where=sa.text(new), postgresql_where=sa.text(new)
        )
