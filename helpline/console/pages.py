"""Rendering: Jinja2 with autoescape, times in the helpline's zone, numbers in groups, both languages side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from grievance_core.catalogue import Catalogue
from grievance_core.numbers import ComplaintNumber, spoken_groups
from helpline.console.words import WORDS


class Pages:
    """Makes a response of a template and what it is to show."""

    def __init__(self, *, zone: ZoneInfo, catalogue: Catalogue) -> None:
        self._zone = zone
        self._environment = Environment(
            loader=PackageLoader("helpline.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(moment=self.moment, clock=self.clock, grouped=grouped)
        self._environment.globals.update(two=two, catalogue=catalogue)

    def render(self, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
        return HTMLResponse(self.text(template, **shown), status_code=status)

    def text(self, template: str, **shown: Any) -> str:
        return self._environment.get_template(template).render(shown)

    def moment(self, at: datetime | None) -> str:
        """Date and time as people here read it: 24 Nov 2026, 14:05."""
        return at.astimezone(self._zone).strftime("%d %b %Y, %H:%M") if at else "–"

    def clock(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%H:%M:%S")


def grouped(number: str) -> str:
    """A complaint number as it is said: 123 456 789 012."""
    return " ".join(spoken_groups(ComplaintNumber(number)))


def two(key: str) -> Markup:
    """A word of the pages in both languages, each marked as what it is."""
    english, hindi = WORDS[key]
    return Markup('{} <span lang="hi">{}</span>').format(english, hindi)
