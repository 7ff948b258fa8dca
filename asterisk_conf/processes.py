"""Processes of Linux seen from outside: is this pid that Asterisk, is this port free."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from asterisk_conf.errors import AddressNotHere, PortTaken


def is_alive(pid: int, *, named: str) -> bool:
    """Whether a process lives and has `named` as one of its arguments.

    A pid alone proves nothing: after a crash or a reboot it may be another program's. A zombie is dead.
    """
    folder = Path("/proc") / str(pid)
    try:
        arguments = (folder / "cmdline").read_bytes().split(b"\0")
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in {"Z", "X"} and os.fsencode(named) in arguments


def read_pid(file: Path) -> int | None:
    """The number in a pid file; None if there is none or it is not a number."""
    try:
        return int(file.read_text().strip())
    except (OSError, ValueError):
        return None


def refuse_taken_port(setting: str, transport: str, host: str, port: int) -> None:
    """Raise PortTaken or AddressNotHere if nothing new could listen there."""
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if transport == "TCP":
            # As Asterisk does: connections that still linger from the instance before are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(setting, transport, host, port) from error
            raise AddressNotHere(setting, f"{host}:{port}", error.strerror or str(error)) from error
