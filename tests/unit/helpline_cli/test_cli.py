from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from agents.errors import UnknownAgent
from helpline.commands.common import Asked, plain_message
from helpline.errors import NotRunning
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.unit

COMMANDS = [
    "run",
    "demo",
    "status",
    "doctor",
    "agents",
    "agents list",
    "agents add",
    "agents sign-in",
    "agents sign-out",
    "agents ready",
    "agents pause",
    "agents new-password",
    "agents end-wrap-up",
    "agents extend-wrap-up",
    "agents why",
    "agents skills",
    "agents line",
    "queue",
    "queue list",
    "queue watch",
    "queue why",
    "queue front",
    "queue transfer",
    "queue take",
    "queue listen",
    "queue whisper",
    "queue barge",
    "queue close",
    "queue open",
    "queue notice",
    "queue vulnerable",
    "queue work",
    "queue work add",
    "queue work list",
    "queue work done",
    "queue levels",
    "queue replay",
    "queue whatif",
    "complaint",
    "complaint register",
    "complaint list",
    "complaint show",
    "complaint report",
    "complaint feedback",
    "complaint close",
    "complaint lifecycle",
    "complaint voice",
    "complaint approve",
    "complaint decline",
    "complaint object",
    "complaint extend",
    "complaint transfer",
    "complaint ask-again",
    "complaint remind",
    "complaint withdraw",
    "complaint merge",
    "complaint override",
    "complaint alike",
    "complaint pressed",
    "complaint closures",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example(shell: Shell, command: str) -> None:
    said = shell.fine(*command.split(), "--help")
    assert f"helpline {command}" in said.split("Example")[1]


def test_the_command_alone_shows_the_first_day(shell: Shell) -> None:
    assert "A first day" in shell.fine("--help")


@pytest.mark.parametrize("command", ["queue", "agents"])
def test_each_line_of_an_overview_is_a_whole_sentence(shell: Shell, command: str) -> None:
    assert "..." not in shell.fine(*command.split(), "--help").partition("Commands:")[2]


@pytest.mark.parametrize(
    "command",
    [name for name in COMMANDS if name.endswith(("list", "show", "voice", "status", "watch", "why", "levels"))],
)
def test_everything_that_lists_or_shows_speaks_json(shell: Shell, command: str) -> None:
    assert "--json" in shell.fine(*command.split(), "--help")


def test_help_imports_nothing_heavy() -> None:
    heavy = ("sqlalchemy", "httpx", "rich", "alembic", "starlette", "redis", "asyncio", "jinja2")
    program = (
        "import sys, helpline.cli\n"
        "for command in 'complaint', 'queue', 'agents':\n"
        "    try: helpline.cli.app([command, '--help'])\n"
        "    except SystemExit: pass\n"
        f"sys.exit(' '.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_settings_file_with_a_typo_is_told_with_its_line(shell: Shell) -> None:
    shell.file.write_text("run_folder = 'run'\nredis_prot = 1\n")
    said = shell.refused("status")
    assert "line 2" in said
    assert "redis_port" in said


def test_a_settings_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "--settings" in Shell(tmp_path / "none.toml").refused("status")


def test_a_bug_keeps_its_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Asked) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Asked, "client", broken)
    assert isinstance(shell("status").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        pytest.param(UnknownAgent("There is no agent 1."), "There is no agent 1.", id="an error of a room"),
        pytest.param(NotRunning("Start it"), "Start it", id="an error of the roof"),
        pytest.param(ValueError("x"), None, id="a bug"),
        pytest.param(OSError(errno.EIO, "I/O error"), None, id="an error of no file"),
    ],
)
def test_errors_of_the_rooms_are_told_and_bugs_are_not(error: Exception, plain: str | None) -> None:
    assert plain_message(error) == plain


def test_a_file_without_the_right_to_it_is_told_by_name() -> None:
    said = plain_message(PermissionError(errno.EACCES, "Permission denied", "/var/lib/helpline"))
    assert said is not None
    assert said.startswith("/var/lib/helpline: Permission denied.")


def test_run_takes_its_settings_before_or_after_its_name(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from helpline import stack

    started: list[tuple[Path, Path | None]] = []

    def run(settings: object, settings_file: Path | None) -> int:
        started.append((settings.run_folder, settings_file))  # type: ignore[attr-defined]
        return 0

    monkeypatch.setattr(stack, "run", run, raising=False)
    shell.fine("run")
    shell.fine("run", "--settings", str(shell.file))
    assert started == [(shell.file.parent / "run", shell.file)] * 2


def test_demo_ends_with_the_storys_own_code(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    story = types.SimpleNamespace(play=lambda *, fresh, keep: 3 if fresh and keep == Path("kept") else 0)
    monkeypatch.setitem(sys.modules, "helpline.demo.story", story)  # type: ignore[arg-type]
    assert shell("demo", "--fresh", "--keep", "kept").exit_code == 3
