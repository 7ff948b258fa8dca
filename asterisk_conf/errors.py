"""What can go wrong with Asterisk and the programs around it.

AsteriskConfError
├── ProgramError            a program is neither on the machine nor to be had
│   ├── NotDebian
│   ├── UnknownPlatform
│   ├── NoMirror
│   ├── NoKeyring
│   ├── NotSigned
│   ├── NoNetwork           retryable
│   ├── DiskFull            retryable
│   ├── FetchFailed         retryable
│   └── ProgramBroken
├── SettingRefused          a value that can't stand in Asterisk's configuration
├── ConfigurationBroken     a rendered file is no Asterisk configuration
└── InstanceError           a private Asterisk does not do what was asked
    ├── PortTaken
    ├── AddressNotHere
    ├── AlreadyRunning
    ├── NotRunning
    ├── OtherSettings
    ├── StartFailed
    ├── StopFailed
    └── CommandFailed       retryable

Each message says what happened and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class AsteriskConfError(Exception):
    """Base of this room's errors."""

    retryable: bool = False
    """Whether the same request may succeed later with nothing changed here."""


class ProgramError(AsteriskConfError):
    """A program is neither on the machine nor to be had."""


class NotDebian(ProgramError):
    """The machine has no apt-get or dpkg-deb."""

    def __init__(self, program: str, missing: str) -> None:
        super().__init__(
            f"{program} is not installed, and without {missing} it can't be fetched: this machine is not a Debian. "
            f"Install {program} with the system's own package manager, then run again."
        )


class UnknownPlatform(ProgramError):
    """Debian's packages are fetched for Linux on amd64 and arm64 only."""

    def __init__(self, system: str, machine: str) -> None:
        super().__init__(
            f"{system} on {machine} is not a platform that packages are fetched for (Linux on amd64 or arm64). "
            "Install asterisk 20 or newer, redis-server, sipp, baresip and espeak-ng by hand, then run again."
        )


class NoMirror(ProgramError):
    """No Debian archive is named in the machine's own apt sources."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"No Debian archive with the component main was found in the apt sources under {folder}. "
            "Add one there (see `man sources.list`), or install the program with apt, then run again."
        )


class NoKeyring(ProgramError):
    """Debian's keyring is missing, so packages can't be verified."""

    def __init__(self, keyring: Path) -> None:
        super().__init__(
            f"Debian's keyring {keyring} is missing, so packages can't be verified and none was fetched. "
            "Run `apt-get install debian-archive-keyring`, then run again."
        )


class NotSigned(ProgramError):
    """The archive is not signed by a key of the keyring."""

    def __init__(self, keyring: Path, detail: str) -> None:
        super().__init__(
            f"The archive's signature does not fit the keyring {keyring}, so nothing was fetched: {detail}. "
            "Bring the keyring up to date with `apt-get install debian-archive-keyring`, then run again."
        )


class NoNetwork(ProgramError):
    """The Debian archive can't be reached."""

    retryable = True

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"The Debian archive of this machine's apt sources can't be reached: {detail}. "
            "Check the network with `apt-get update`, then run again: what has arrived is kept."
        )


class DiskFull(ProgramError):
    """There is not enough room for the packages."""

    retryable = True

    def __init__(self, folder: Path, needed_mb: int | None = None) -> None:
        need = f"{needed_mb} MB are needed" if needed_mb else "there is no room left"
        super().__init__(
            f"The disk of {folder} is too full: {need}. "
            "Make room there, or set HELPLINE_CACHE to a folder on another disk, then run again."
        )


class FetchFailed(ProgramError):
    """apt or dpkg refused for a reason of their own."""

    retryable = True

    def __init__(self, program: str, detail: str) -> None:
        super().__init__(
            f"{program} could not be fetched: {detail}. Run again; if it fails the same way, "
            f"install {program} with the system's package manager."
        )


class ProgramBroken(ProgramError):
    """A fetched program does not start here."""

    def __init__(self, program: str, detail: str) -> None:
        super().__init__(
            f"{program} was fetched but does not start on this machine: {detail}. "
            "Fetch it anew with --fresh; if that fails the same way, install it with the system's package manager."
        )


class SettingRefused(AsteriskConfError):
    """A value that can't stand in Asterisk's configuration."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name = name
        super().__init__(f"{name} = {value!r} can't be used: expected {expected}. Change it and run again.")


class ConfigurationBroken(AsteriskConfError):
    """A rendered file is no Asterisk configuration: the template is wrong."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}. Mend the template asterisk_conf/templates/{file}.j2.")


class InstanceError(AsteriskConfError):
    """A private Asterisk does not do what was asked."""


class PortTaken(InstanceError):
    """Another program listens on a port that Asterisk was to have."""

    def __init__(self, setting: str, transport: str, host: str, port: int) -> None:
        self.setting = setting
        self.port = port
        flag = "u" if transport == "UDP" else "t"
        super().__init__(
            f"{transport} port {port} on {host} is taken, so Asterisk can't start. "
            f"See who has it with `ss -l{flag}np 'sport = :{port}'` and stop it, or set {setting} to a free port."
        )


class AddressNotHere(InstanceError):
    """The address to listen on does not belong to this machine."""

    def __init__(self, setting: str, host: str, detail: str) -> None:
        super().__init__(
            f"Nothing can listen on {host} ({setting}): {detail}. "
            f"Set {setting} to an address of this machine (see `ip address`), then run again."
        )


class AlreadyRunning(InstanceError):
    """An Asterisk of this run folder is running."""

    def __init__(self, run_folder: Path, pid: int | None) -> None:
        self.pid = pid
        who = f"An Asterisk (pid {pid})" if pid else "Another start"
        super().__init__(f"{who} is at work in {run_folder}. Adopt it or stop it first, or use another run folder.")


class NotRunning(InstanceError):
    """No Asterisk of this run folder is running."""

    def __init__(self, run_folder: Path) -> None:
        super().__init__(f"No Asterisk is running in {run_folder}. Start it first.")


class OtherSettings(InstanceError):
    """The Asterisk of this run folder was started with other addresses than are set now."""

    def __init__(self, run_folder: Path, differences: Sequence[str]) -> None:
        super().__init__(
            f"The Asterisk that runs in {run_folder} was started with other settings: {'; '.join(differences)}. "
            "Put them back to adopt it, or stop it first: that ends its calls."
        )


class StartFailed(InstanceError):
    """Asterisk did not come up, or came up without something it needs."""

    def __init__(self, reason: str, log_file: Path, last_lines: Sequence[str]) -> None:
        told = "\n".join(f"  {line}" for line in last_lines) or "  (nothing)"
        super().__init__(f"Asterisk {reason}. See {log_file}; its last lines:\n{told}")


class StopFailed(InstanceError):
    """Asterisk is still there although it was killed."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"Asterisk (pid {pid}) is still running after it was killed. Look at it with `ps -fp {pid}`.")


class CommandFailed(InstanceError):
    """Asterisk's command line did not answer."""

    retryable = True

    def __init__(self, command: str, detail: str) -> None:
        super().__init__(
            f"Asterisk did not answer to `{command}`: {detail}. Try again; look at its log if it stays so."
        )
