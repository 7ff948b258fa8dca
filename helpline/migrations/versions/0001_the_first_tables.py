"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "complaints",
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("department", sa.String(length=8), nullable=False),
        sa.Column("district", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("caller", sa.String(length=15), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("call_id", sa.String(length=120), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("post", sa.String(length=120), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waited", sa.Interval(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dissatisfied", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sweep_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("once_key", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_complaints")),
        sa.UniqueConstraint("once_key", name=op.f("uq_complaints_once_key")),
    )
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_complaints_call_id"), ["call_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_complaints_caller_registered_at"), ["caller", "registered_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_complaints_post_state_registered_at"), ["post", "state", "registered_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_complaints_registered_at"), ["registered_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_state_reported_at"), ["state", "reported_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_complaints_sweep_at_number"), ["sweep_at", "number"], unique=False)

    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("matter", sa.String(length=20), nullable=False),
        sa.Column("caller", sa.String(length=15), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
    )
    with op.batch_alter_table("refusals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refusals_at"), ["at"], unique=False)

    op.create_table(
        "voice_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=1000), nullable=False),
        sa.Column("caller", sa.String(length=15), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_messages")),
        sa.UniqueConstraint("path", name=op.f("uq_voice_messages_path")),
    )
    with op.batch_alter_table("voice_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_voice_messages_taken_at"), ["taken_at"], unique=False)

    op.create_table(
        "complaint_events",
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("post", sa.String(length=120), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("attempt", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["number"], ["complaints.number"], name=op.f("fk_complaint_events_number_complaints")),
        sa.PrimaryKeyConstraint("number", "seq", name=op.f("pk_complaint_events")),
        sa.UniqueConstraint("number", "attempt", name=op.f("uq_complaint_events_number_attempt")),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.String(length=4), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("languages", sa.String(length=40), nullable=False),
        sa.Column("md5_cred", sa.String(length=32), nullable=False),
        sa.Column("pin_hash", sa.String(length=100), nullable=False),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agents")),
    )
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(length=150), nullable=False),
        sa.Column("caller", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent", sa.String(length=4), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("recording", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calls_joined_at"), ["joined_at"], unique=False)

    op.create_table(
        "dialer_attempts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("contact", sa.String(length=100), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposition", sa.String(length=20), nullable=True),
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round_over", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialer_attempts")),
    )
    with op.batch_alter_table("dialer_attempts", schema=None) as batch_op:
        batch_op.create_index("ix_dialer_attempts_contact", ["contact", "written_at"], unique=False)
        batch_op.create_index(
            "ix_dialer_attempts_unreported",
            ["written_at"],
            unique=False,
            sqlite_where=sa.text("disposition IS NOT NULL AND reported_at IS NULL"),
            postgresql_where=sa.text("disposition IS NOT NULL AND reported_at IS NULL"),
        )
        batch_op.create_index(
            "uq_dialer_attempts_open_contact",
            ["contact"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "uq_dialer_attempts_open_number",
            ["number"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "caller_languages",
        sa.Column("caller", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", name=op.f("pk_caller_languages")),
    )


def downgrade() -> None:
    op.drop_table("caller_languages")
    with op.batch_alter_table("dialer_attempts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_dialer_attempts_open_number",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_dialer_attempts_open_contact",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_dialer_attempts_unreported",
            sqlite_where=sa.text("disposition IS NOT NULL AND reported_at IS NULL"),
            postgresql_where=sa.text("disposition IS NOT NULL AND reported_at IS NULL"),
        )
        batch_op.drop_index("ix_dialer_attempts_contact")

    op.drop_table("dialer_attempts")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calls_joined_at"))

    op.drop_table("calls")
    op.drop_table("agents")
    op.drop_table("complaint_events")
    with op.batch_alter_table("voice_messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_voice_messages_taken_at"))

    op.drop_table("voice_messages")
    with op.batch_alter_table("refusals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refusals_at"))

    op.drop_table("refusals")
    with op.batch_alter_table("complaints", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_complaints_sweep_at_number"))
        batch_op.drop_index(batch_op.f("ix_complaints_state_reported_at"))
        batch_op.drop_index(batch_op.f("ix_complaints_registered_at"))
        batch_op.drop_index(batch_op.f("ix_complaints_post_state_registered_at"))
        batch_op.drop_index(batch_op.f("ix_complaints_caller_registered_at"))
        batch_op.drop_index(batch_op.f("ix_complaints_call_id"))

    op.drop_table("complaints")
