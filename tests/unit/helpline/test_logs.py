"""The log: a JSON object a line, its phrases fixed, and personal data only in fields that say so by their name."""

from __future__ import annotations

import ast
import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import helpline
from helpline import logs
from helpline.logs import JsonLines, to_file

pytestmark = pytest.mark.unit

ROOMS = ("acd", "agents", "asterisk_conf", "grievance_core", "helpline", "ivr", "outbound_dialer", "telephony")
CHECKOUT = Path(helpline.__file__).parent.parent
SOURCES = sorted(file.relative_to(CHECKOUT) for room in ROOMS for file in (CHECKOUT / room).rglob("*.py"))

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
OF_THE_LINE = {"at", "level", "room", "message", "trace"}
OF_THE_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
PERSONAL = {"caller", "callers", "number", "name", "text", "words", "voice", "speech", "district", "address"}
NOT_PERSONAL = {
    # file, key: why it is no citizen's
    ("ivr/emergency.py", "number"): "the emergency service's own",
    ("asterisk_conf/messages.py", "file"): "a file's name: a time and an id of Asterisk",
    ("helpline/demo/softphone.py", "phone"): "of the demo's made-up people",
    ("helpline/stack.py", "part"): "a part of the helpline: Asterisk, Redis",
}
COMPLAINT_NUMBERS = {"complaint"}


# -- what a line looks like


def a_record(message: str = "A caller left", **fields: Any) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "acd.service", "levelno": 20, "levelname": "INFO", "msg": message})
    record.created = 1_795_501_800.25
    vars(record).update(fields)
    return record


def test_a_line_holds_the_time_the_level_the_room_the_phrase_and_its_fields() -> None:
    line = json.loads(JsonLines().format(a_record(action="left", waited=2.5, pii_caller="9876543210")))
    assert line == {
        "at": "2026-11-24T06:30:00.250+00:00",
        "level": "info",
        "room": "acd",
        "message": "A caller left",
        "action": "left",
        "waited": 2.5,
        "pii_caller": "9876543210",
    }


@pytest.mark.parametrize("odd", ['"\n}', "हैंडपंप", "\x00\x1b[31m", "\u2028", {"a": {1}}, object(), None, float(1)])
def test_whatever_a_field_holds_it_stays_one_line_of_json(odd: object) -> None:
    line = JsonLines().format(a_record(action="odd", pii_text=odd))
    assert "\n" not in line
    assert "pii_text" in json.loads(line)


def test_an_error_is_traced_within_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        record = a_record(exc_info=(type(error), error, error.__traceback__))
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["trace"].endswith("ValueError: two\nlines")


# -- where it lies


@pytest.fixture
def root_logger() -> Iterator[None]:
    """The process's logging as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("httpx", "uvicorn.access", "alembic")}
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.level = handlers, level
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_only_the_owner_can_read_the_log_also_after_it_was_turned_over(
    tmp_path: Path, root_logger: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 300)
    file = tmp_path / "controller.log"
    file.touch(mode=0o644)
    to_file(file)
    assert mode(file) == 0o600
    for number in range(40):
        logging.getLogger("acd.service").info("A caller left", extra={"action": "left", "turn": number})
    files = sorted(tmp_path.iterdir())
    assert len(files) == logs.FILES_KEPT + 1
    assert [oct(mode(each)) for each in files] == ["0o600"] * len(files)
    assert all(each.stat().st_size <= 300 for each in files)
    assert json.loads(file.read_text().splitlines()[-1])["turn"] == 39


def test_bytes_that_are_no_text_lose_no_line(tmp_path: Path, root_logger: None) -> None:
    file = tmp_path / "controller.log"
    to_file(file)
    logging.getLogger("telephony").info("A caller came", extra={"action": "came", "pii_name": "R\udce4m"})
    assert json.loads(file.read_text())["pii_name"] == "R\udce4m"


def test_what_stood_in_the_log_before_a_restart_stays(tmp_path: Path, root_logger: None) -> None:
    file = tmp_path / "controller.log"
    for _ in range(2):
        to_file(file)
        logging.getLogger("helpline").info("The controller serves calls", extra={"action": "serving"})
    assert len(file.read_text().splitlines()) == 2


# -- what the rooms say, read from their source


def fault_list(source: str, file: str = "room/module.py") -> list[str]:
    """What is wrong with the log calls of a module."""
    tree = ast.parse(source)
    return [f"{file}:{call.lineno}: {fault}" for call in _log_calls(tree) for fault in _faults_of(call, tree, file)]


def _log_calls(tree: ast.Module) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"log", "logger", "logging"}
        and node.func.attr in LEVELS | {"log"}
    ]


def _faults_of(call: ast.Call, tree: ast.Module, file: str) -> Iterator[str]:
    assert isinstance(call.func, ast.Attribute)
    said = call.args[1:] if call.func.attr == "log" else call.args
    if len(said) != 1 or not _is_fixed(said[0]):
        yield "the phrase must be one constant string; what varies belongs into extra"
    extra = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
    fields = dict(_fields(extra, tree)) if extra is not None else {}
    if None in fields:
        yield f"extra must be a dict that can be read here, not {ast.unparse(fields[None])}"
    if "action" not in fields:
        yield "extra must name the action"
    for key, value in fields.items():
        if key is None:
            continue
        if key in OF_THE_LINE | OF_THE_RECORD:
            yield f"the field {key} would overwrite one of the line's own"
        if not key.startswith("pii_") and (file, key) not in NOT_PERSONAL and _is_personal(key, value):
            yield f"{key} = {ast.unparse(value)} is personal: begin its name with pii_"


def _is_fixed(phrase: ast.expr) -> bool:
    if isinstance(phrase, ast.IfExp):
        return _is_fixed(phrase.body) and _is_fixed(phrase.orelse)
    return isinstance(phrase, ast.Constant) and isinstance(phrase.value, str)


def _fields(extra: ast.expr, tree: ast.Module) -> Iterator[tuple[str | None, ast.expr]]:
    """Key and value of each field; a key of None is what could not be followed."""
    match extra:
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if key is None:
                    yield from _fields(value, tree)
                elif isinstance(key, ast.Constant):
                    yield str(key.value), value
                else:
                    yield None, key
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _fields(left, tree)
            yield from _fields(right, tree)
        case ast.Name(id=name):
            yield from _all_of(_assigned(name, tree), extra, tree)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            yield from _all_of(_returned(name, tree), extra, tree)
        case _:
            yield None, extra


def _all_of(found: list[ast.expr], extra: ast.expr, tree: ast.Module) -> Iterator[tuple[str | None, ast.expr]]:
    if not found:
        yield None, extra
    for value in found:
        yield from _fields(value, tree)


def _assigned(name: str, tree: ast.Module) -> list[ast.expr]:
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Dict)
        and any(isinstance(target, ast.Name) and target.id == name for target in _targets(node))
    ]


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _returned(name: str, tree: ast.Module) -> list[ast.expr]:
    return [
        inner.value
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == name
        for inner in ast.walk(node)
        if isinstance(inner, ast.Return) and inner.value is not None
    ]


def _is_personal(key: str, value: ast.expr) -> bool:
    if key in COMPLAINT_NUMBERS:
        return False
    return key in PERSONAL or any(
        (isinstance(node, ast.Attribute) and node.attr in PERSONAL)
        or (isinstance(node, ast.Name) and node.id in PERSONAL)
        for node in ast.walk(value)
    )


def test_there_is_something_to_look_at() -> None:
    assert sum(len(_log_calls(ast.parse((CHECKOUT / file).read_text(encoding="utf-8")))) for file in SOURCES) > 80


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_logs_fixed_phrases_and_marks_what_is_personal(room: str) -> None:
    found = [
        fault
        for file in SOURCES
        if file.parts[0] == room
        for fault in fault_list((CHECKOUT / file).read_text(encoding="utf-8"), file.as_posix())
    ]
    assert found == []


def test_what_is_let_pass_is_still_there() -> None:
    for file, _ in NOT_PERSONAL:
        assert (CHECKOUT / file).exists(), f"{file} is gone: strike it from NOT_PERSONAL"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('log.info(f"{caller} left", extra={"action": "left"})', "constant"),
        ('log.info("%s left", caller, extra={"action": "left"})', "constant"),
        ('log.info("left " + caller, extra={"action": "left"})', "constant"),
        ('log.info("{} left".format(caller), extra={"action": "left"})', "constant"),
        ('log.log(level, f"{caller} left", extra={"action": "left"})', "constant"),
        ('log.info("left" if known else caller, extra={"action": "left"})', "constant"),
        ('log.info("A caller left")', "action"),
        ('log.info("A caller left", extra={"call_id": id})', "action"),
        ('log.info("A caller left", extra=told())', "can be read"),
        ('log.info("A caller left", extra={"action": "left", key: 1})', "can be read"),
        ('log.info("A caller left", extra={"action": "left", "caller": call.caller})', "pii_"),
        ('log.info("A caller left", extra={"action": "left", "who": call.caller})', "pii_"),
        ('log.info("A caller left", extra={"action": "left", "who": repr(caller[:4])})', "pii_"),
        ('log.info("A caller left", extra={"action": "left", "text": about})', "pii_"),
        ('about = {"who": name}\nlog.info("A caller left", extra={"action": "left", **about})', "pii_"),
        ('def about():\n    return {"who": name}\nlog.info("Left", extra={"action": "left"} | about())', "pii_"),
        ('log.info("Escalated", extra={"action": "escalated", "level": 2})', "own"),
        ('log.info("Loaded", extra={"action": "loaded", "module": "g711"})', "own"),
    ],
)
def test_a_breach_is_seen(source: str, fault: str) -> None:
    assert any(fault in found for found in fault_list(source))


@pytest.mark.parametrize(
    "source",
    [
        'log.info("A caller left", extra={"action": "left", "pii_caller": call.caller, "waited": 2.5})',
        'log.info("Went" if gone else "Came", extra={"action": "phone"})',
        'log.log(level, "Over", extra={"action": "over"})',
        'log.info("Registered", extra={"action": "registered", "complaint": complaint.number})',
        'about = {"action": "left"}\nlog.exception("A flow failed", extra={**about, "call_id": call.id})',
    ],
)
def test_a_right_call_is_let_pass(source: str) -> None:
    assert fault_list(source) == []
