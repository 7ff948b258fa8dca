"""A campaign of outgoing calls: what a supervisor decides about it, and what may follow from what: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from outbound_dialer.errors import CampaignRefused, InvalidSettings
from outbound_dialer.outcomes import PLANS, Disposition
from outbound_dialer.pacing import Pace
from outbound_dialer.rules import Rules

NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}", re.ASCII)
CALLER_ID: Final = re.compile(r"1600\d{4,8}", re.ASCII)
"""The numbers that the regulator has set apart for calls by government (domain.md, section 4)."""
FEEDBACK: Final = "feedback"
"""The campaign that always runs, from the complaints themselves; its settings are `[dialer]`."""


class Mode(StrEnum):
    """Who speaks first to the citizen, and what the pace follows."""

    IVR_FIRST = "ivr_first"  # the machine asks: only lines are needed
    PREDICTIVE = "predictive"  # agent-led: dials ahead of agents who are about to be free
    PROGRESSIVE = "progressive"  # agent-led: one call for each free agent
    PREVIEW = "preview"  # the agent sees the contact first, and decides


DIALS: Final = frozenset({Mode.IVR_FIRST})
"""The modes in which calls are made today."""


class CampaignState(StrEnum):
    DRAFT = "draft"  # made, its list may be loaded; nobody is rung
    RUNNING = "running"
    PAUSED = "paused"  # nobody new is rung, calls under way go on
    FINISHED = "finished"  # for good


FOLLOWS: Final[Mapping[CampaignState, frozenset[CampaignState]]] = MappingProxyType(
    {
        CampaignState.DRAFT: frozenset({CampaignState.RUNNING, CampaignState.FINISHED}),
        CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.FINISHED}),
        CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.FINISHED}),
        CampaignState.FINISHED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One campaign. Hours can only narrow those of the helpline: see `rules_for`.

    `gaps` replaces the gap after an outcome (see `outcomes.PLANS`); `pace` bounds this campaign alone, beside what the
    trunk bears.
    """

    name: str
    made_at: datetime
    made_by: str
    mode: Mode = Mode.IVR_FIRST
    state: CampaignState = CampaignState.DRAFT
    caller_id: str = ""  # empty: the helpline's
    trunk: str = "trunk"
    pace: Pace = field(default_factory=Pace)
    max_tries: int = 3
    opens: time | None = None
    closes: time | None = None
    gaps: Mapping[Disposition, timedelta] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidSettings(
                f"A campaign's name is 2 to 40 small letters, digits or dashes, such as water-2, not {self.name!r}."
            )
        if self.caller_id and not CALLER_ID.fullmatch(self.caller_id):
            raise InvalidSettings(
                f"The number shown must be of the 1600 series, such as 1600221076, not {self.caller_id!r}."
            )
        if not 1 <= self.max_tries <= 10:
            raise InvalidSettings(f"From 1 to 10 tries, not {self.max_tries}.")
        if self.opens is not None and self.closes is not None and self.opens >= self.closes:
            raise InvalidSettings(f"A campaign opens before it closes: {self.opens:%H:%M} to {self.closes:%H:%M}.")
        for disposition, gap in self.gaps.items():
            if gap <= timedelta() or PLANS[disposition].gap is None:
                raise InvalidSettings(f"After {disposition} there is no gap to set, or it is not above 0.")


def moved(campaign: Campaign, to: CampaignState) -> Campaign:
    """The campaign in another state. Raises CampaignRefused; one that is in it already stays as it is."""
    if campaign.state is to:
        return campaign
    if to not in FOLLOWS[campaign.state]:
        may = ", ".join(sorted(FOLLOWS[campaign.state])) or "nothing; make a new one"
        raise CampaignRefused(f"Campaign {campaign.name} is {campaign.state}; what can follow is {may}.")
    if to is CampaignState.RUNNING and campaign.mode not in DIALS:
        raise CampaignRefused(
            f"Campaign {campaign.name} is set to {campaign.mode}, in which this helpline does not make calls yet: only "
            f"{', '.join(sorted(DIALS))} does. Make one with --mode ivr_first."
        )
    return replace(campaign, state=to)


def rules_for(campaign: Campaign, helpline: Rules) -> Rules:
    """The campaign's rules: the helpline's, with its own tries and gaps, and hours that can only be narrower."""
    window = helpline.window
    opens = max(window.opens, campaign.opens or window.opens)
    closes = min(window.closes, campaign.closes or window.closes)
    if campaign.opens or campaign.closes:
        if window.opens >= window.closes:
            raise InvalidSettings("The helpline's hours reach across midnight: a campaign can't narrow them.")
        if opens >= closes:
            raise InvalidSettings(
                f"Campaign {campaign.name} has no hours within {window.opens:%H:%M} to {window.closes:%H:%M}, when "
                "citizens may be rung."
            )
        window = replace(window, opens=opens, closes=closes)
    return replace(
        helpline,
        window=window,
        max_tries=campaign.max_tries,
        max_dials=max(helpline.max_dials, campaign.max_tries),
        gaps={**helpline.gaps, **campaign.gaps},
    )
