"""Asterisk's configuration as text, from readable templates.

A value that would break out of its line is refused: the files are line by line, and `;` begins a comment.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from asterisk_conf import dialled
from asterisk_conf.errors import SettingRefused
from asterisk_conf.modules import MODULES
from asterisk_conf.settings import AsteriskSettings, PhoneAccount

CONFIG_FILES = (
    "asterisk.conf",
    "modules.conf",
    "logger.conf",
    "manager.conf",
    "pjsip.conf",
    "pjsip_agents.conf",
    "rtp.conf",
    "musiconhold.conf",
    "queues.conf",
    "extensions.conf",
    "features.conf",
    "indications.conf",
    "amd.conf",
    "cdr.conf",
    "cel.conf",
)
EMPTY_FILES = (
    "acl.conf",
    "ccss.conf",
    "geolocation.conf",
    "pjproject.conf",
    "queuerules.conf",
    "stasis.conf",
    "statsd.conf",
    "udptl.conf",
)
PHONE_FILES = ("pjsip_agents.conf", "queues.conf")
"""Those of the files that change when agents come and go."""

LOOP_WAIT_SECONDS = 0.3
"""Music between two tries to reach the controller: short, since a caller is served only after it."""
LOOP_MAX_ROUNDS = 200
"""Attaches in one call's life before the dialplan gives the controller up; a sane call has a handful."""


def configuration(
    settings: AsteriskSettings, *, modules_folder: Path, phones: Sequence[PhoneAccount], ami_secret: str
) -> dict[str, str]:
    """Every configuration file's text by its name. Raises SettingRefused."""
    _refuse_clashes(settings, phones)
    values = {
        "settings": settings,
        "modules": modules_folder,
        "module_names": MODULES,
        "ami_secret": ami_secret,
        "phones": phones,
        "trunks": (("trunk", settings.trunk), ("emergency-trunk", settings.emergency_trunk)),
        # Voice on the same address as the signalling, so that nothing listens elsewhere; 0.0.0.0 means all of them.
        "media_address": "" if settings.bind == "0.0.0.0" else settings.bind,
        "forms": dialled.forms(
            number=settings.helpline_number, std_code=settings.std_code, country_code=settings.country_code
        ),
        "max_tries": max(1, round(settings.away_seconds / LOOP_WAIT_SECONDS)),
        "max_rounds": LOOP_MAX_ROUNDS,
        "wait_seconds": LOOP_WAIT_SECONDS,
    }
    empty = _TEMPLATES.get_template("empty.conf.j2").render()
    return {
        **{name: _TEMPLATES.get_template(f"{name}.j2").render(values) for name in CONFIG_FILES},
        **dict.fromkeys(EMPTY_FILES, empty),
    }


def phone_configuration(settings: AsteriskSettings, phones: Sequence[PhoneAccount]) -> dict[str, str]:
    """The text of the files that change when agents come and go. Raises SettingRefused."""
    _refuse_clashes(settings, phones)
    return {name: _TEMPLATES.get_template(f"{name}.j2").render(phones=phones) for name in PHONE_FILES}


def lifeline_script(settings: AsteriskSettings) -> str:
    """The shell script by which Asterisk runs the lifeline."""
    return _TEMPLATES.get_template("lifeline.sh.j2").render(python=settings.python, folder=settings.lifeline_folder)


def _refuse_clashes(settings: AsteriskSettings, phones: Sequence[PhoneAccount]) -> None:
    taken = {settings.helpline_number, *settings.emergency_numbers}
    seen: set[str] = set()
    for phone in phones:
        if phone.endpoint.removeprefix("agent-") in taken:
            raise SettingRefused("endpoint", phone.endpoint, "an id that is no emergency number and not the helpline's")
        if phone.endpoint in seen:
            raise SettingRefused("endpoint", phone.endpoint, "each agent's phone only once")
        seen.add(phone.endpoint)


def _one_line(value: object) -> object:
    if re.search(r"[;\x00-\x1f\x7f]", str(value)):
        raise SettingRefused("a value of Asterisk's configuration", str(value), "a single line without ;")
    return value


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("asterisk_conf", "templates"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_one_line,
    )
    environment.filters["shell"] = lambda value: shlex.quote(str(value))
    return environment


_TEMPLATES = _environment()
