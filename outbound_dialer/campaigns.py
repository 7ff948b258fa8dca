"""Campaigns as they are kept: made, moved from state to state, listed with how far they have come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from outbound_dialer.campaign import FEEDBACK, Campaign, CampaignState, Mode, moved
from outbound_dialer.campaign_tables import campaigns_table, lists_table, of_contact
from outbound_dialer.errors import CampaignRefused
from outbound_dialer.outcomes import Disposition
from outbound_dialer.pacing import Pace

_columns = campaigns_table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a campaign has come: of its contacts, how many wait, rest, and are settled as what."""

    waiting: int = 0
    resting: int = 0
    settled: Mapping[str, int]

    @property
    def contacts(self) -> int:
        return self.waiting + self.resting + sum(self.settled.values())


class Campaigns:
    """See the module. Each method is a transaction of its own."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock

    async def make(self, campaign: Campaign) -> None:
        """Keep a new one. Raises CampaignRefused when its name is taken."""
        if campaign.name == FEEDBACK:
            raise CampaignRefused(
                "The campaign feedback is always there and runs from the complaints. Take another name."
            )
        try:
            async with self._sessions.begin() as session:
                await session.execute(insert(campaigns_table).values(_values(campaign)))
        except IntegrityError:
            raise CampaignRefused(
                f"There is a campaign {campaign.name} already. See it: helpline campaign show {campaign.name}"
            ) from None

    async def get(self, name: str) -> Campaign:
        """Raises CampaignRefused when there is none."""
        async with self._sessions() as session:
            row = (await session.execute(select(campaigns_table).where(_columns.name == name))).one_or_none()
        if row is None:
            raise CampaignRefused(_unknown(name))
        return _campaign(row)

    async def all(self) -> Sequence[Campaign]:
        """The newest first."""
        async with self._sessions() as session:
            rows = await session.execute(select(campaigns_table).order_by(_columns.made_at.desc(), _columns.name))
            return [_campaign(row) for row in rows]

    async def move(self, name: str, to: CampaignState) -> Campaign:
        """Start, pause or finish it. Raises CampaignRefused when that can't be.

        Of two who move it at the same time, the second is told so.
        """
        before = await self.get(name)
        after = moved(before, to)
        async with self._sessions.begin() as session:
            if after.state is CampaignState.RUNNING and before != after:
                loaded = select(func.count()).where(
                    lists_table.c.campaign == name, lists_table.c.loaded_at.is_not(None), lists_table.c.contacts > 0
                )
                if not (await session.execute(loaded)).scalar_one():
                    raise CampaignRefused(
                        f"Campaign {name} has no contacts yet. Give it a list: helpline campaign import {name} FILE"
                    )
            done = await session.execute(
                update(campaigns_table)
                .where(_columns.name == name, _columns.state == before.state.value)
                .values(state=after.state.value)
            )
            if not done.rowcount:  # type: ignore[attr-defined]
                raise CampaignRefused(f"Somebody else moved campaign {name} meanwhile. Look at it and try again.")
        return after

    async def progress(self, name: str) -> Progress:
        """Counted from its contacts; a second or so for a million."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(of_contact.settled_as, of_contact.waits_until.is_not(None), func.count())
                .join(lists_table, lists_table.c.id == of_contact.list)
                .where(of_contact.campaign == name, lists_table.c.loaded_at.is_not(None))
                .group_by(of_contact.settled_as, of_contact.waits_until.is_not(None))
            )
            waiting = resting = 0
            settled: dict[str, int] = {}
            for settled_as, rests, count in rows:
                if settled_as is not None:
                    settled[settled_as] = settled.get(settled_as, 0) + count
                elif rests:
                    resting = count
                else:
                    waiting = count
        return Progress(waiting=waiting, resting=resting, settled=settled)


def _unknown(name: str) -> str:
    if name == FEEDBACK:
        return (
            "The campaign feedback always runs, from the complaints themselves; "
            "its hours and lines are [dialer] in the settings."
        )
    return f"There is no campaign {name!r}. See which there are: helpline campaign list"


def _values(campaign: Campaign) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "state": campaign.state.value,
        "mode": campaign.mode.value,
        "made_at": campaign.made_at,
        "made_by": campaign.made_by[:120],
        "caller_id": campaign.caller_id,
        "trunk": campaign.trunk,
        "lines": campaign.pace.lines,
        "calls_per_second": campaign.pace.calls_per_second,
        "max_tries": campaign.max_tries,
        "opens": campaign.opens and f"{campaign.opens:%H:%M}",
        "closes": campaign.closes and f"{campaign.closes:%H:%M}",
        "gaps": {disposition.value: gap.total_seconds() for disposition, gap in campaign.gaps.items()},
    }


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        name=row.name,
        state=CampaignState(row.state),
        mode=Mode(row.mode),
        made_at=row.made_at,
        made_by=row.made_by,
        caller_id=row.caller_id,
        trunk=row.trunk,
        pace=Pace(lines=row.lines, calls_per_second=row.calls_per_second),
        max_tries=row.max_tries,
        opens=None if row.opens is None else time.fromisoformat(row.opens),
        closes=None if row.closes is None else time.fromisoformat(row.closes),
        gaps={Disposition(name): timedelta(seconds=seconds) for name, seconds in row.gaps.items()},
    )
