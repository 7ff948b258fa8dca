"""What a private Asterisk is to be: values only, checked when they are made."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.errors import SettingRefused

EMERGENCY_NUMBERS = ("112", "100", "101", "102", "108", "1090", "181", "1098", "1930")
AMI_EVENTS = (
    "AttendedTransfer",
    "BlindTransfer",
    "ContactStatus",
    "DeviceStateChange",
    "DialEnd",
    "FullyBooted",
    "Hangup",
    "OriginateResponse",
    "Shutdown",
    "UserEvent",
)
"""The least that the controller decides by: the whole stream is 85 events and 38 kB a call, this below 10 and 4 kB."""

SOCKET_PATH_LIMIT = 107
"""Bytes that Linux allows in the path of a Unix socket."""


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """The other end of a trunk. Calls from its host are taken as the trunk's: it is known by address alone."""

    host: str
    port: int = 5060


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """An agent's softphone: `endpoint` is its user name, `md5_cred` the MD5 of "user:realm:password" in hex."""

    endpoint: str
    md5_cred: str
    display_name: str

    def __post_init__(self) -> None:
        _matches("endpoint", self.endpoint, r"agent-\d{1,8}", "agent- and up to 8 digits")
        _matches("md5_cred", self.md5_cred, r"[0-9a-f]{32}", "32 hexadecimal digits")
        _matches(
            "display_name", self.display_name, r'[^"<>;\\\x00-\x1f\x7f]*', 'a name without " < > ; \\ or line ends'
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskSettings:
    """One private Asterisk. Everything of it lies below `run_folder`, so several run side by side.

    Signalling and voice listen on `bind` only. The AMI listens on loopback whatever `bind` says: who has its secret has
    every call. (pjsip's DNS client opens two unnamed UDP sockets on all addresses where the machine has name servers;
    that can't be turned off, and no name is looked up.)
    """

    run_folder: Path
    prompts_folder: Path
    """Holds hi/ and en/; Asterisk plays hi/welcome.* there as helpline/hi/welcome."""
    music_folder: Path
    recordings_folder: Path
    lifeline_folder: Path
    """Where voice messages that the lifeline takes are laid for filing."""
    python: Path
    """The interpreter that has this package installed; it runs the lifeline."""
    sip_port: int
    ami_port: int
    agi: tuple[str, int]
    """Host and port of the controller's FastAGI server."""
    rtp_first: int
    rtp_last: int
    trunk: TrunkSettings
    emergency_trunk: TrunkSettings
    bind: str = "127.0.0.1"
    helpline_number: str = "1076"
    std_code: str = "0522"
    country_code: str = "91"
    emergency_numbers: tuple[str, ...] = EMERGENCY_NUMBERS
    max_calls: int = 2000
    realm: str = "helpline"
    ami_user: str = "helpline"
    ami_events: tuple[str, ...] = AMI_EVENTS
    qualify_seconds: int = 5
    """How often a phone is asked whether it is still there; one that does not answer for 3 s is gone, and its caller
    goes to the next agent."""
    silent_phone_seconds: int = 60
    """How long an agent's phone may send no voice in a call before the call is ended, should no question have told that
    it is gone. So long that a phone which suppresses silence is not cut off while its agent listens."""
    away_seconds: int = 10
    """How long a caller hears music for a controller that is gone before the dialplan helps itself."""
    fallback_seconds: int = 60
    """How long agents' phones are rung without a controller before the lifeline takes a message."""

    def __post_init__(self) -> None:
        for name in ("run_folder", "prompts_folder", "music_folder", "recordings_folder", "lifeline_folder", "python"):
            _path(name, getattr(self, name))
        for name in ("sip_port", "ami_port", "rtp_first", "rtp_last"):
            _between(name, getattr(self, name), 1, 65535)
        for name, address in (
            ("bind", self.bind),
            ("agi", self.agi[0]),
            ("trunk.host", self.trunk.host),
            ("emergency_trunk.host", self.emergency_trunk.host),
        ):
            _address(name, address)
        for name, port in (
            ("agi", self.agi[1]),
            ("trunk.port", self.trunk.port),
            ("emergency_trunk.port", self.emergency_trunk.port),
        ):
            _between(name, port, 1, 65535)
        if self.rtp_last - self.rtp_first < 3:
            raise SettingRefused(
                "rtp_last", self.rtp_last, f"at least {self.rtp_first + 3}, for one call's two streams"
            )
        if self.trunk.host == self.emergency_trunk.host:
            raise SettingRefused("emergency_trunk.host", self.trunk.host, "another address than the trunk's")
        _matches("helpline_number", self.helpline_number, r"\d{2,8}", "2 to 8 digits")
        _matches("std_code", self.std_code, r"0\d{1,5}", "a 0 and up to 5 digits")
        _matches("country_code", self.country_code, r"[1-9]\d{0,2}", "1 to 3 digits")
        for number in self.emergency_numbers:
            _matches("emergency_numbers", number, r"\d{3,8}", "3 to 8 digits each")
        _matches("realm", self.realm, r"[A-Za-z0-9.-]+", "letters, digits, dots and hyphens")
        _matches("ami_user", self.ami_user, r"[A-Za-z0-9_-]+", "letters, digits, _ and -")
        for event in self.ami_events:
            _matches("ami_events", event, r"[A-Za-z]+", "names of AMI events")
        for name in ("max_calls", "qualify_seconds", "silent_phone_seconds", "away_seconds", "fallback_seconds"):
            _between(name, getattr(self, name), 1, 1_000_000)
        if len(str(self.control_socket).encode()) > SOCKET_PATH_LIMIT:
            raise SettingRefused(
                "run_folder",
                str(self.run_folder),
                f"a path so short that {self.control_socket} has at most {SOCKET_PATH_LIMIT} bytes",
            )

    @property
    def addresses(self) -> dict[str, str]:
        """What a controller must agree on with an Asterisk that it did not start itself."""
        return {
            "bind": self.bind,
            "sip_port": str(self.sip_port),
            "ami_port": str(self.ami_port),
            "agi": f"{self.agi[0]}:{self.agi[1]}",
        }

    @property
    def config_folder(self) -> Path:
        return self.run_folder / "etc"

    @property
    def config_file(self) -> Path:
        """What Asterisk is started with; each `asterisk -rx` must name the same one."""
        return self.config_folder / "asterisk.conf"

    @property
    def data_folder(self) -> Path:
        return self.run_folder / "data"

    @property
    def agi_folder(self) -> Path:
        return self.data_folder / "agi-bin"

    @property
    def keys_folder(self) -> Path:
        return self.run_folder / "keys"

    @property
    def log_folder(self) -> Path:
        return self.run_folder / "log"

    @property
    def log_file(self) -> Path:
        return self.log_folder / "messages.log"

    @property
    def spool_folder(self) -> Path:
        return self.run_folder / "spool"

    @property
    def state_folder(self) -> Path:
        """Asterisk's control socket and pid file."""
        return self.run_folder / "run"

    @property
    def control_socket(self) -> Path:
        return self.state_folder / "asterisk.ctl"

    @property
    def pid_file(self) -> Path:
        return self.state_folder / "asterisk.pid"


def _matches(name: str, value: str, pattern: str, expected: str) -> None:
    if not re.fullmatch(pattern, value):
        raise SettingRefused(name, value, expected)


def _between(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingRefused(name, value, f"a whole number from {low} to {high}")


def _address(name: str, value: str) -> None:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        raise SettingRefused(name, value, "an IPv4 address such as 127.0.0.1") from None


def _path(name: str, value: Path) -> None:
    if not value.is_absolute() or re.search(r'[;,"&|\x00-\x1f]', str(value)):
        raise SettingRefused(name, str(value), 'an absolute path without ; , " & | or line ends')
