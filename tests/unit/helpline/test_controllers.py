"""A controller's process in its supervisor's hands: how it is called, heard and ended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from helpline import controllers
from helpline.controllers import ControllerProcess

pytestmark = pytest.mark.unit


class Child:
    """What subprocess gives: ends when asked, unless it is stubborn."""

    stubborn = False
    made: Child

    def __init__(self, argv: list[str], *, pass_fds: tuple[int, ...], cwd: Path, **_: object) -> None:
        self.argv, self.cwd, self.pid = argv, cwd, 4_000_000
        self.heart = os.dup(pass_fds[0])
        self.code: int | None = None
        self.told: list[str] = []
        Child.made = self

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.told.append("terminate")
        if not self.stubborn:
            self.code = -15

    def kill(self) -> None:
        self.told.append("kill")
        self.code = -9

    def wait(self, timeout: float | None = None) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired("controller", timeout or 0)
        return self.code


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def child(monkeypatch: pytest.MonkeyPatch) -> type[Child]:
    monkeypatch.setattr(subprocess, "Popen", Child)
    monkeypatch.setattr(Child, "stubborn", False)
    return Child


def started(folder: Path, clock: Clock, **more: Any) -> ControllerProcess:
    settings = folder / "settings.json"
    return ControllerProcess(settings, words=folder / "words", limit=1.5, clock=clock, **{"standby": False} | more)


@pytest.mark.parametrize("standby", [False, True])
def test_it_is_started_in_the_run_folder_with_its_settings_and_a_pipe_for_its_heart(
    standby: bool, tmp_path: Path
) -> None:
    process = started(tmp_path, Clock(), standby=standby)
    argv = Child.made.argv
    assert argv[1:4] == ["-m", "helpline.controller", str(tmp_path / "settings.json")]
    assert argv[4] == "--heartbeat"
    assert argv[6:] == (["--standby"] if standby else [])
    assert Child.made.cwd == tmp_path
    assert process.lives()
    process.kill()
    os.close(Child.made.heart)


def test_one_whose_heart_is_silent_hangs_and_one_that_has_ended_does_not(tmp_path: Path) -> None:
    clock = Clock()
    process = started(tmp_path, clock)
    os.write(Child.made.heart, b".")
    for _ in range(15):
        assert not process.hangs()
        clock.now += 0.1
    clock.now += 0.1
    assert process.hangs()
    Child.made.code = -9
    assert not process.hangs()
    with pytest.raises(BrokenPipeError):  # nobody listens to one that has ended
        os.write(Child.made.heart, b".")
    process.kill()
    os.close(Child.made.heart)


@pytest.mark.parametrize("stubborn", [False, True])
def test_it_is_ended_politely_and_killed_only_when_it_does_not_go(
    stubborn: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Child, "stubborn", stubborn)
    process = started(tmp_path, Clock())
    process.stop()
    assert Child.made.told == (["terminate", "kill"] if stubborn else ["terminate"])
    with pytest.raises(BrokenPipeError):  # nobody listens to it any more
        os.write(Child.made.heart, b".")
    os.close(Child.made.heart)


def test_a_process_that_can_not_be_started_leaves_no_pipe_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(controllers.subprocess, "Popen", fails)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BlockingIOError):
        started(tmp_path, Clock())
    assert len(os.listdir("/proc/self/fd")) == before
