from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from asterisk_conf import errors
from asterisk_conf.errors import AddressNotHere, AsteriskConfError, NotRunning, PortTaken, SettingRefused, StartFailed
from asterisk_conf.instance import Instance
from asterisk_conf.processes import is_alive, read_pid, refuse_taken_port
from asterisk_conf.programs import Program
from asterisk_conf.settings import AsteriskSettings
from asterisk_conf.testing import free_ports, private_settings

pytestmark = pytest.mark.unit


@pytest.fixture
def settings(tmp_path: Path) -> AsteriskSettings:
    return private_settings(tmp_path)


@pytest.fixture
def instance(settings: AsteriskSettings, tmp_path: Path) -> Instance:
    program = Program("asterisk", ("/nothing",), {}, "system", "22.0", modules=tmp_path / "mod", data=tmp_path / "data")
    return Instance(settings, program)


async def test_where_nothing_was_started_nothing_is_adopted_stopped_or_asked(instance: Instance) -> None:
    assert not instance.running()
    assert not await instance.adopt()
    await instance.stop()
    with pytest.raises(NotRunning, match="Start it first"):
        await instance.cli("core show uptime")


def test_the_ami_secret_stays_the_same_and_is_its_owner_s(instance: Instance, settings: AsteriskSettings) -> None:
    secret = instance.ami_secret()
    assert len(secret) >= 32
    assert instance.ami_secret() == secret
    assert (settings.keys_folder / "ami_secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [None, "", "no number", "999999999"])
def test_a_pid_file_without_a_living_asterisk_is_no_instance(
    text: str | None, instance: Instance, settings: AsteriskSettings
) -> None:
    if text is not None:
        settings.state_folder.mkdir(parents=True)
        settings.pid_file.write_text(text)
    assert not instance.running()


def test_a_pid_that_is_another_program_s_is_not_taken_for_ours(instance: Instance, settings: AsteriskSettings) -> None:
    settings.state_folder.mkdir(parents=True)
    settings.pid_file.write_text(str(os.getpid()))
    assert read_pid(settings.pid_file) == os.getpid()
    assert not instance.running()
    assert is_alive(os.getpid(), named=sys.argv[0]) or is_alive(os.getpid(), named=sys.executable)


@pytest.mark.parametrize(("transport", "kind"), [("UDP", socket.SOCK_DGRAM), ("TCP", socket.SOCK_STREAM)])
def test_a_taken_port_is_told_with_the_setting_and_how_to_find_who_has_it(
    transport: str, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if transport == "TCP":
            other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"{transport} port {port} on 127.0.0.1.*`ss -l.*set x_port to a free"):
            refuse_taken_port("x_port", transport, "127.0.0.1", port)
    refuse_taken_port("x_port", transport, "127.0.0.1", port)


def test_an_address_of_another_machine_is_told(settings: AsteriskSettings) -> None:
    with pytest.raises(AddressNotHere, match=r"192\.0\.2\.1.*bind.*ip address"):
        refuse_taken_port("bind", "UDP", "192.0.2.1", settings.sip_port)


def test_an_asterisk_without_modules_is_refused(settings: AsteriskSettings) -> None:
    with pytest.raises(SettingRefused, match="modules"):
        Instance(settings, Program("asterisk", ("/nothing",), {}, "system", "22.0"))


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(20))) == 20


def test_every_error_has_its_place_in_the_tree_and_says_whether_to_try_again() -> None:
    drawn = set((errors.__doc__ or "").split())
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, AsteriskConfError):
            assert name in drawn, f"{name} is missing in the module's tree"
            assert isinstance(kind.retryable, bool)


def test_a_failed_start_shows_the_log_s_last_words() -> None:
    assert str(StartFailed("ended while it was starting", Path("/log"), ["one", "two"])) == (
        "Asterisk ended while it was starting. See /log; its last lines:\n  one\n  two"
    )
