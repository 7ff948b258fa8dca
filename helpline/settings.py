"""The settings: one TOML file, each key with a default that works on one machine.

Nothing is read from the environment save HELPLINE_SETTINGS, the file's path. A wrong key or value is told with the
line it stands on and what was expected there.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Annotated, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from acd.engine.queues import To, When
from helpline.errors import SettingsError

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0)]
Weekday = Annotated[int, Field(ge=0, le=6)]
Skill = Annotated[str, Field(pattern=r"^[a-z]+:[a-z0-9_-]+(=[1-9])?$")]
"""service:complaint, or with the least level speciality:land=3."""

DEFAULT_FILE = Path("helpline.toml")


class Section(BaseModel):
    """A table of the file: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Peer(Section):
    """Where a trunk's other end listens. The defaults are loopback addresses on which the demo's networks live."""

    host: str = "127.0.0.2"
    port: Port = 5080


class Telephony(Section):
    """Asterisk: its addresses and the number it answers."""

    bind: str = "127.0.0.1"
    sip_port: Port = 5060
    ami_port: Port = 5038
    ami_via: Port | None = None  # where the controller reaches AMI when something stands between, such as a tunnel
    agi_port: Port = 4573
    rtp_first: Port = 12000
    rtp_last: Port = 13999
    number: str = Field("1076", pattern=r"^\d{2,6}$")
    std_code: str = Field("0522", pattern=r"^0\d{2,4}$")
    country_code: str = Field("91", pattern=r"^\d{1,3}$")
    trunk: Peer = Peer()
    emergency_trunk: Peer = Peer(host="127.0.0.3")
    max_calls: int = Field(2000, ge=1)


class Queue(Section):
    """How callers wait and agents are rung."""

    ring_seconds: int = Field(15, ge=3, le=120)
    wrap_up_seconds: Seconds = 30.0
    wrap_up_extension_seconds: Seconds = 60.0  # what "more time" gives an agent, once per wrap-up
    longest_wrap_up_seconds: Seconds = 180.0  # with the extension
    announce_first_seconds: Seconds = 15.0
    announce_every_seconds: Seconds = 45.0
    callback_attempts: int = Field(3, ge=1, le=10)
    callback_pause_seconds: Seconds = 300.0
    callback_ring_seconds: int = Field(30, ge=5, le=120)
    most_of_max_calls: float = Field(0.8, gt=0, le=1)  # beyond that share of max_calls a caller is owed a call instead
    most_waiting: int | None = Field(None, ge=1)
    off_hook_tone: bool = True


class WideningRule(Section):
    """From that wait on, these skills or kinds of skill ("speciality:") need not be there, and no level is above."""

    after_seconds: Seconds
    drop: tuple[str, ...] = ()
    lower_to: int | None = Field(None, ge=1, le=9)


class OverflowRule(Section):
    """When it is too much, where callers go."""

    when: When
    limit: float = Field(0.0, ge=0)
    to: To
    queue: str = ""


class QueueOfItsOwn(Section):
    """One queue; what is not said is as shipped."""

    requires: tuple[Skill, ...] | None = None
    widening: tuple[WideningRule, ...] | None = None
    overflow: tuple[OverflowRule, ...] | None = None
    known_agent_seconds: float | None = Field(None, ge=0)
    race: int | None = Field(None, ge=1, le=10)
    opens: time | None = None
    closes: time | None = None
    promise_seconds: Seconds | None = None
    promise_share: float | None = Field(None, gt=0, le=1)
    short_seconds: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _whole_hours(self) -> QueueOfItsOwn:
        if (self.opens is None) != (self.closes is None):
            raise ValueError("opens and closes go together")
        return self


class Dialer(Section):
    """When and how citizens are rung back (hours: domain.md, section 4)."""

    opens: time = time(9, 0)
    closes: time = time(21, 0)
    days: frozenset[Weekday] = frozenset(range(7))  # Monday is 0
    days_off: frozenset[date] = frozenset()  # nobody is rung
    most_a_day: int = Field(4, ge=1, le=20)  # calls to one number, over all campaigns
    lines: int = Field(30, ge=0)
    calls_per_second: float = Field(5.0, gt=0)
    max_tries: int = Field(3, ge=1, le=10)
    caller_id: str = Field("1600221076", pattern=r"^\d{4,15}$")
    ring_seconds: int = Field(30, ge=5, le=120)


class Console(Section):
    """The desk page and the local interface of the command line."""

    host: str = "127.0.0.1"
    port: Port = 8076


class Controller(Section):
    """The process that decides: how it is watched, and how it is replaced."""

    spare: bool = True  # a second one stands by, loaded, under `helpline run`
    hung_seconds: float = Field(1.5, ge=1)  # an event loop that is silent for so long is killed
    lease_seconds: float = Field(2.0, ge=1, le=60)  # how long a dead one's lease keeps others from its place


class Complaints(Section):
    """Rules about complaints that the leadership sets; what they mean stands in docs/complaint-life.md."""

    cap_per_month: int | None = Field(10, ge=1)  # per phone number; today's rule
    days_off: tuple[date, ...] = ()  # beside the state's holidays, such as a feast that the moon moved
    days_worked: tuple[date, ...] = ()  # although a holiday
    second_saturday_off: bool = True
    ask_within_hours: float = Field(24, ge=0, le=168)  # after a report; when exactly is drawn and told to nobody
    ask_again_days: int = Field(3, ge=1, le=30)  # the lower rhythm for who was not reached
    feedback_days: int = Field(21, ge=1, le=365)  # then the superior decides
    leave_days: int = Field(7, ge=0, le=60)  # a longer leave takes from the officer what lies with them
    most_transfers: int = Field(2, ge=0, le=10)
    most_extension_days: int = Field(15, ge=1, le=60)
    second_calls_percent: float = Field(3, ge=2, le=5)  # of the satisfied, rung once more by somebody else
    wrong_pins: int = Field(5, ge=1, le=20)  # in a day


class IgrsLine(Section):
    """The state's grievance system, which is told of every complaint and gives officers' reports."""

    url: str = Field("", pattern=r"^(https?://\S+)?$")  # empty: nobody is told
    token: str = Field("", repr=False)
    fetch_seconds: Seconds = 30.0


class Sms(Section):
    """The gateway that sends short messages to citizens; header and entity as they are registered on DLT."""

    url: str = Field("", pattern=r"^(https?://\S+)?$")  # empty: no message is sent
    token: str = Field("", repr=False)
    header: str = Field("UPCMHL-G", pattern=r"^[A-Z0-9-]{3,11}$")
    entity_id: str = Field("1101000000000000000", pattern=r"^\d{19}$")


class Settings(Section):
    """Everything that can be set, with where it was read from."""

    run_folder: Path = Path("run")
    time_zone: str = "Asia/Kolkata"
    database_url: str = ""
    redis_url: str = ""
    redis_port: Port = 6376
    telephony: Telephony = Telephony()
    queue: Queue = Queue()
    queues: dict[str, QueueOfItsOwn] = {}
    dialer: Dialer = Dialer()
    complaints: Complaints = Complaints()
    igrs: IgrsLine = IgrsLine()
    sms: Sms = Sms()
    console: Console = Console()
    controller: Controller = Controller()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("a time zone such as Asia/Kolkata was expected") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def database(self) -> str:
        """SQLAlchemy's URL: the one that was set, else an SQLite file in the run folder."""
        return self.database_url or f"sqlite+aiosqlite:///{self.run_folder / 'helpline.sqlite3'}"

    @property
    def api_url(self) -> str:
        return f"http://{self.console.host}:{self.console.port}"


def load(path: Path | None = None) -> Settings:
    """Read the settings file; without one, the defaults.

    `path` None means HELPLINE_SETTINGS, else helpline.toml here if there is one. Relative run folders count from the
    file's own folder. Raises SettingsError.
    """
    chosen = path or (Path(os.environ["HELPLINE_SETTINGS"]) if os.environ.get("HELPLINE_SETTINGS") else None)
    if chosen is None:
        if not DEFAULT_FILE.exists():
            return parse("", source=str(DEFAULT_FILE), base=Path.cwd())
        chosen = DEFAULT_FILE
    try:
        text = chosen.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{chosen} can't be read ({error.strerror}). Name another with --settings.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{chosen} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    return parse(text, source=str(chosen), base=chosen.resolve().parent)


def parse(text: str, *, source: str, base: Path) -> Settings:
    """Settings from the text of a file. Raises SettingsError with the line and what was expected."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: {error}. Expected lines such as: sip_port = 5060") from error
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        raise SettingsError("\n".join(_explained(error, text, source))) from error
    return settings.model_copy(update={"run_folder": (base / settings.run_folder).absolute()})


def _explained(error: ValidationError, text: str, source: str) -> list[str]:
    lines = []
    for fault in error.errors():
        path = [str(part) for part in fault["loc"]]
        where = f"{source}, line {_line_of(path, text)}: {'.'.join(path)}"
        if fault["type"] == "extra_forbidden":
            known = ", ".join(_keys_beside(path))
            lines.append(f"{where} is not a setting. Expected one of: {known}")
        else:
            lines.append(f"{where} = {fault['input']!r}: {fault['msg']}")
    return lines


def _keys_beside(path: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        field = model.model_fields.get(part)
        inner = field.annotation if field is not None else None
        for found in (inner, *get_args(inner)):  # a table, or a table of tables
            if isinstance(found, type) and issubclass(found, BaseModel):
                model = found
    return sorted(model.model_fields)


def _line_of(path: list[str], text: str) -> int:
    """The line of a key, found by its table's heading; tomllib keeps no positions."""
    table: list[str] = []
    best = 1
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[\s*([^\]]+?)\s*\]", line)
        if heading:
            table = [part.strip().strip("\"'") for part in heading.group(1).split(".")]
            if table == path:
                return number
            continue
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if not key:
            continue
        full = table + [part.strip("\"'") for part in key.group(1).split(".")]
        if full == path:
            return number
        if full == path[: len(full)]:
            best = number
    return best


def refuse_taken_names() -> None:
    """Refuse an environment where another distribution owns one of our top-level names.

    The names agents, acd and ivr also exist on PyPI. Raises NameTaken.
    """
    from importlib.metadata import packages_distributions

    from helpline.errors import NameTaken

    owned = packages_distributions()
    for name in (
        "asterisk_conf",
        "telephony",
        "grievance_core",
        "agents",
        "acd",
        "outbound_dialer",
        "ivr",
        "helpline",
    ):
        others = sorted(set(owned.get(name, ())) - {"helpline-1076"})
        if others:
            raise NameTaken(
                f"The package {name} of this environment ({sys.prefix}) also belongs to {', '.join(others)}. "
                f"Run the helpline in an environment of its own: make clean, then make run."
            )
