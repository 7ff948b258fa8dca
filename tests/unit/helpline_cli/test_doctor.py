from __future__ import annotations

import fcntl
import socket
from pathlib import Path
from typing import Any, cast

import pytest

from asterisk_conf.errors import ProgramBroken
from asterisk_conf.programs import Program, Programs
from helpline.commands import checks
from helpline.commands.checks import Check
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _every_program_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "program", lambda name, _programs: Check(name, True, "9.9 (system)"))
    monkeypatch.setattr(checks, "asterisk_runs", lambda _settings, _programs: False)


def found(shell: Shell, *, healthy: bool) -> dict[str, dict[str, Any]]:
    import json

    result = shell("doctor", "--json")
    answer = json.loads(result.stdout)
    assert (answer["ok"], result.exit_code) == (healthy, 0 if healthy else 1), result.stdout
    return {check["name"]: check for check in answer["checks"]}


def test_a_new_machine_that_can_run_it_is_healthy(shell: Shell) -> None:
    assert "not there yet" in found(shell, healthy=True)["database"]["found"]
    assert not shell.settings.run_folder.exists(), "the doctor looks and touches nothing"
    assert "ok      disk" in shell.fine("doctor")


def test_a_settings_file_with_a_typo_is_a_problem_and_the_rest_is_still_checked(shell: Shell) -> None:
    shell.file.write_text("redis_prot = 1\n")
    checked = found(shell, healthy=False)
    assert "line 1" in checked["settings"]["found"]
    assert "database" in checked


def test_a_taken_port_is_a_problem_with_the_command_that_finds_the_owner(shell: Shell) -> None:
    port = shell.settings.telephony.ami_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        check = found(shell, healthy=False)[f"port {port} (ami_port)"]
        assert f"sport = :{port}" in check["mend"]
        result = shell("doctor")
    assert "PROBLEM" in result.stdout
    assert check["mend"] in result.stdout


def test_an_asterisk_of_ours_that_outlived_its_helpline_is_no_problem(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "asterisk_runs", lambda _settings, _programs: True)
    port = shell.settings.telephony.ami_port
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", port))
        ours.listen()
        assert found(shell, healthy=True)[f"port {port} (ami_port)"]["ok"]


def test_a_helpline_that_runs_and_does_not_answer_is_a_problem(shell: Shell) -> None:
    folder = shell.settings.run_folder
    folder.mkdir()
    with (folder / "supervisor.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        checked = found(shell, healthy=False)
    assert "does not answer" in checked["helpline"]["found"]
    assert "helpline" not in found(shell, healthy=True), "a lock file that nobody holds means nothing"


def test_a_redis_that_was_set_and_does_not_answer_is_a_problem(shell: Shell) -> None:
    port = shell.settings.redis_port
    shell.file.write_text(f'redis_url = "redis://127.0.0.1:{port}/0"\n' + shell.file.read_text())
    check = found(shell, healthy=False)["redis"]
    assert "redis_url" in check["mend"]


def test_a_database_that_is_none_is_a_problem(shell: Shell) -> None:
    shell.settings.run_folder.mkdir()
    (shell.settings.run_folder / "helpline.sqlite3").write_text("not a database, " * 100)
    assert "database_url" in found(shell, healthy=False)["database"]["mend"]


def test_a_schema_of_another_version_is_a_problem(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "newest_schema", lambda: frozenset({"0099"}))
    shell.settings.run_folder.mkdir()
    (shell.settings.run_folder / "helpline.sqlite3").touch()
    check = found(shell, healthy=False)["database"]
    assert "0099" in check["found"]
    assert "helpline run" in check["mend"]


def test_a_full_disk_is_a_problem(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 2**80)
    assert "Free at least" in found(shell, healthy=False)["disk"]["mend"]


def test_a_python_that_is_too_new_is_a_problem(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PYTHONS", ((2, 6), (2, 7)))
    assert not found(shell, healthy=False)["python"]["ok"]


class Finds:
    """Programs that answer every question alike."""

    def __init__(self, answer: Program | Exception) -> None:
        self._answer = answer

    def find(self, _name: str) -> Program:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def looked(answer: Program | Exception, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.undo()
    return checks.program("asterisk", cast(Programs, Finds(answer)))


def test_a_program_is_told_with_version_and_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Program("asterisk", ("asterisk",), {}, "system", "22.1")
    assert looked(here, monkeypatch) == Check("asterisk", True, "22.1 (system)")


def test_a_broken_program_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    check = looked(ProgramBroken("asterisk", "no libc"), monkeypatch)
    assert (check.ok, "no libc" in check.mend) == (False, True)


def test_a_program_not_here_yet_is_fetched_later_on_a_debian_only(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = checks._NotHere("asterisk")
    monkeypatch.undo()
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert checks.program("asterisk", cast(Programs, Finds(absent))).ok
    monkeypatch.setattr("shutil.which", lambda name: None)
    check = checks.program("asterisk", cast(Programs, Finds(absent)))
    assert (check.ok, "Install asterisk" in check.mend) == (False, True)


def test_looking_for_programs_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("HELPLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("asterisk_conf.programs.SYSTEM_FOLDERS", ())
    programs = checks._programs_that_fetch_nothing()
    check = checks.program("baresip", programs)
    assert "not here" in check.found
    assert not (tmp_path / "cache").exists()
