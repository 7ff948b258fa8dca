"""The journal: everything the engine was told and what it decided, one JSON line each. Encode and decode, pure.

A journal holds no personal data, since events and decisions hold none. Each line carries the version of this format.
A *begin* is the start of a controller: what it took up follows as ordinary events, so the day can be replayed from any
begin. *Continues* is the first line of a day that a controller lived into, *gap* says how much could not be written,
*chose* that a caller left by choice, which the engine need not know but the figures must.
What has its default value is left out of a line.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from acd.engine.decisions import Decision
from acd.engine.events import Event
from acd.errors import JournalUnreadable

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened at one moment and what came of it. `together`: the engine was told of the events as one set."""

    at: datetime
    events: tuple[Event, ...]
    decisions: tuple[Decision, ...] = ()
    together: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A controller started with an empty engine."""

    at: datetime
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Continues:
    """The controller lived on from the day before, whose file that is."""

    at: datetime
    run: str
    previous: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """So many entries could not be written before this line."""

    at: datetime
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chose:
    """That caller stops waiting by choice and not by hanging up, to leave a message or the like: CallerLeft follows."""

    at: datetime
    caller: str
    what: str


@dataclass(frozen=True, slots=True)
class Torn:
    """The line with that number was cut off when a controller died in the middle of it. Nothing else is wrong."""

    number: int


Line = Entry | Begin | Continues | Gap | Chose
_MARKS: Mapping[str, type[Any]] = {"begin": Begin, "continues": Continues, "gap": Gap, "chose": Chose}
_NAMES = {kind: name for name, kind in _MARKS.items()}
_EVENTS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}
_DECISIONS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(Decision)}
_Layout = tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
_layouts: dict[type[Any], _Layout] = {}
_decoders: dict[Any, Callable[[Any], Any]] = {}
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


# -- to text


def encode(line: Line) -> str:
    """One line without its end."""
    if not isinstance(line, Entry):
        return _written({"v": VERSION, "mark": _NAMES[type(line)], **_fields_of(line)})
    return encode_entry(line.at, line.events, line.decisions, together=line.together)


def encode_entry(at: datetime, events: Sequence[Event], decisions: Sequence[Decision], *, together: bool) -> str:
    """As `encode`, for the writer, which is spared making an Entry. `together` with one event is told apart too."""
    line: dict[str, Any] = {"v": VERSION, "at": at.isoformat()}
    if together:
        line["events"] = [_named(event) for event in events]
    else:
        line["event"] = _named(events[0])
    if decisions:
        line["decided"] = [_named(decision) for decision in decisions]
    return _written(line)


def _named(value: Any) -> dict[str, Any]:
    return {"is": type(value).__name__, **_fields_of(value)}


def _fields_of(value: Any) -> dict[str, Any]:
    found = {}
    for name, default, plain in _layout(type(value)):
        part = getattr(value, name)
        if part is not default and part != default:
            found[name] = plain(part) if plain else part
    return found


def _layout(kind: type[Any]) -> _Layout:
    """Field, its default, how it becomes JSON: worked out once for each kind."""
    known = _layouts.get(kind)
    if known is None:
        hints = get_type_hints(kind)
        known = tuple((field.name, field.default, _encoder(hints[field.name])) for field in fields(kind))
        _layouts[kind] = known
    return known


def _encoder(hint: Any) -> Callable[[Any], Any] | None:
    """How a value of that type becomes JSON; None: it is JSON already."""
    hint = _without_none(hint)
    if hint in (datetime, time):
        return _iso
    if is_dataclass(hint):
        return _fields_of
    if get_origin(hint) is tuple:
        inner = _encoder(get_args(hint)[0])
        return list if inner is None else lambda values: [inner(value) for value in values]
    return dict if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping) else None


def _iso(value: datetime | time) -> str:
    return value.isoformat()


# -- from text


def decode(text: str) -> Line:
    """Raises ValueError with what is wrong with that line."""
    line = json.loads(text)
    if not isinstance(line, dict) or "v" not in line:
        raise ValueError("it is no line of a journal")
    if line["v"] != VERSION:
        raise ValueError(f"it is of version {line['v']}, and this program reads version {VERSION}")
    try:
        return _line(line)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is missing or unknown") from None
    except (TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def _line(line: dict[str, Any]) -> Line:
    if "mark" in line:
        made: Line = _decoder(_MARKS[line["mark"]])(line)
        return made
    together = "events" in line
    told = line["events"] if together else [line["event"]]
    return Entry(
        at=datetime.fromisoformat(line["at"]),
        events=tuple(_decoder(_EVENTS[event["is"]])(event) for event in told),
        decisions=tuple(_decoder(_DECISIONS[decision["is"]])(decision) for decision in line.get("decided", ())),
        together=together,
    )


def _decoder(hint: Any) -> Callable[[Any], Any]:
    known = _decoders.get(hint)
    if known is None:
        known = _decoders[hint] = _decoder_of(_without_none(hint))
    return known


def _decoder_of(hint: Any) -> Callable[[Any], Any]:
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_decoder(hint)
    if hint is datetime:
        return datetime.fromisoformat
    if hint is time:
        return time.fromisoformat
    if get_origin(hint) is tuple:
        inner = _decoder(get_args(hint)[0])
        return lambda values: tuple([inner(value) for value in values])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return _as_is


def _dataclass_decoder(kind: type[Any]) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    parts = [
        (field.name, _decoder(hints[field.name]), field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    ]

    def made(values: dict[str, Any]) -> Any:
        found = {}
        for name, decoder, needed in parts:
            if name in values:
                found[name] = decoder(values[name])
            elif needed:
                raise KeyError(name)
        return kind(**found)

    return made


def _as_is(value: Any) -> Any:
    return value


def _without_none(hint: Any) -> Any:
    """The type beside None in an optional one."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not types.NoneType)
    return hint


def read(lines: Iterable[str], name: str) -> Iterator[Line | Torn]:
    """The lines of a journal that is called `name`, in order.

    A last line that was cut off, of the file or before a new begin, is told as Torn. Raises JournalUnreadable for any
    other line that is none of a journal's, with its number and what to do.
    """
    broken: _Broken | None = None
    for number, text in enumerate(lines, 1):
        try:
            line = decode(text)
        except ValueError as error:
            if broken is not None:
                raise _unreadable(name, broken) from None
            cut = isinstance(error, json.JSONDecodeError)
            broken = _Broken(number, "it is cut off, or no JSON" if cut else str(error), cut)
            continue
        if broken is not None:
            if not (broken.cut and isinstance(line, Begin)):
                raise _unreadable(name, broken)
            yield Torn(broken.number)
            broken = None
        yield line
    if broken is not None:
        if not broken.cut:
            raise _unreadable(name, broken)
        yield Torn(broken.number)


@dataclass(frozen=True, slots=True)
class _Broken:
    number: int
    what: str
    cut: bool


def _unreadable(name: str, broken: _Broken) -> JournalUnreadable:
    return JournalUnreadable(
        f"{name}, line {broken.number}: {broken.what}. Name a journal as the helpline wrote it "
        f"(journal/YYYY-MM-DD.jsonl in the run folder), or read a copy without that line: "
        f"sed {broken.number}d {name} > mended.jsonl"
    )
