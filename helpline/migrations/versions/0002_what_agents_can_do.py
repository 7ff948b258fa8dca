"""What agents can do, and how their phones take calls.

An agent of before serves every service and speaks their languages, all at the middle level. The list of services is
written out here: this step must do the same for ever, whatever the list is later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SERVICES = ("complaint", "status", "scheme", "demand", "person", "emergency")


def upgrade() -> None:
    with op.batch_alter_table("agents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("skills", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("line", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("auto_answer", sa.Boolean(), nullable=True))

    agents = sa.table(
        "agents",
        sa.column("id", sa.String),
        sa.column("languages", sa.String),
        sa.column("skills", sa.Text),
        sa.column("line", sa.String),
        sa.column("auto_answer", sa.Boolean),
    )
    connection = op.get_bind()
    for agent in connection.execute(sa.select(agents.c.id, agents.c.languages)).all():
        names = [f"service:{service}" for service in SERVICES]
        names += [f"language:{language}" for language in agent.languages.split()]
        skills = " ".join(f"{name}=5" for name in names)
        connection.execute(
            agents.update().where(agents.c.id == agent.id).values(skills=skills, line="on_hook", auto_answer=False)
        )

    with op.batch_alter_table("agents", schema=None) as batch_op:
        batch_op.alter_column("skills", existing_type=sa.Text(), nullable=False)
        batch_op.alter_column("line", existing_type=sa.String(length=8), nullable=False)
        batch_op.alter_column("auto_answer", existing_type=sa.Boolean(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("agents", schema=None) as batch_op:
        batch_op.drop_column("auto_answer")
        batch_op.drop_column("line")
        batch_op.drop_column("skills")
