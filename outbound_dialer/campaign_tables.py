"""The tables of campaigns, of the lists that were imported into them, and of the contacts on those lists."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    and_,
)

from outbound_dialer.attempt import NUMBER_LIMIT
from outbound_dialer.store import UtcDateTime, metadata

campaigns_table = Table(
    "dialer_campaigns",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("mode", String(12), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
    Column("caller_id", String(15), nullable=False),
    Column("trunk", String(40), nullable=False),
    Column("lines", Integer, nullable=False),
    Column("calls_per_second", Float, nullable=False),
    Column("max_tries", Integer, nullable=False),
    Column("opens", String(5)),
    Column("closes", String(5)),
    Column("gaps", JSON, nullable=False),  # seconds by disposition
)

lists_table = Table(
    "dialer_lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String(40), ForeignKey("dialer_campaigns.name"), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("touched_at", UtcDateTime, nullable=False),  # by the import, while it loads
    Column("loaded_at", UtcDateTime),  # None: being loaded, or left by an import that died; nobody on it is rung
    Column("by", String(120), nullable=False),
    Column("source", String(200), nullable=False),
    Column("contacts", Integer, nullable=False),
)
Index("ix_dialer_lists_campaign", lists_table.c.campaign)
is_loading = lists_table.c.loaded_at.is_(None)
# One import into a campaign at a time: the database itself refuses a second.
Index(
    "uq_dialer_lists_loading",
    lists_table.c.campaign,
    unique=True,
    sqlite_where=is_loading,
    postgresql_where=is_loading,
)

contacts_table = Table(
    "dialer_contacts",
    metadata,
    Column("campaign", String(40), nullable=False),
    Column("key", String(60), nullable=False),
    Column("list", Integer, nullable=False),
    Column("number", String(NUMBER_LIMIT), nullable=False),
    Column("complaint", String(12), nullable=False),
    Column("language", String(8), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("waits_until", UtcDateTime),  # None: may be looked at now
    Column("settled_as", String(20)),  # None: still to be rung
    PrimaryKeyConstraint("campaign", "key"),
)
of_contact = contacts_table.c
is_next = and_(of_contact.waits_until.is_(None), of_contact.settled_as.is_(None))
is_resting = and_(of_contact.waits_until.is_not(None), of_contact.settled_as.is_(None))

# Who is next of a list by due time is the head of this index, however long the list; who rests is not in it.
Index(
    "ix_dialer_contacts_next",
    of_contact.list,
    of_contact.due_at,
    of_contact.key,
    sqlite_where=is_next,
    postgresql_where=is_next,
)
Index(
    "ix_dialer_contacts_resting",
    of_contact.list,
    of_contact.waits_until,
    sqlite_where=is_resting,
    postgresql_where=is_resting,
)
