"""YAML files that people edit: every fault is told with its file and line, all faults at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ivr.errors import WordsError

Place = Sequence[str | int]
ModelT = TypeVar("ModelT", bound=BaseModel)


class Section(BaseModel):
    """A part of such a file: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content with where each part of it stands. `source` is the name that faults are told with."""

    source: str
    content: Any
    _root: yaml.Node = field(repr=False)

    def says(self, place: Place, message: str) -> str:
        """A fault at a place (keys and positions from the top) as one sentence."""
        return f"{self.source} line {self._line(place)}: {message}"

    def _line(self, place: Place) -> int:
        """The line of the innermost part of the place that the file has."""
        node, line = self._root, self._root.start_mark.line
        for step in place:
            if isinstance(node, yaml.MappingNode):
                pair = next((pair for pair in node.value if pair[0].value == str(step)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line
            else:
                break
        return int(line) + 1


def read(text: str, source: str) -> Document:
    """The content of a YAML file. Raises WordsError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise WordsError([f"{source} line 1: the file is empty."])
        problems = [
            f"{source} line {mark.line + 1}: {key!r} stands here a second time. Keep one." for key, mark in _twice(root)
        ]
        if problems:
            raise WordsError(problems)
        return Document(source, yaml.safe_load(text), root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WordsError(
            [f"{source} line {line}: this is not YAML ({error.problem}). Look for a quotation mark or indentation."]
        ) from error
    except yaml.YAMLError as error:
        raise WordsError([f"{source}: this is not YAML ({error}). Save it as plain UTF-8 text."]) from error


def checked(model: type[ModelT], content: object, document: Document, *, at: Place = ()) -> ModelT:
    """The content as the model; `at` is where in the document it stands. Raises WordsError."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise WordsError([_sentence(fault, document, at) for fault in error.errors()]) from error


def _sentence(fault: Any, document: Document, at: Place) -> str:
    place = (*at, *fault["loc"])
    name = ".".join(str(step) for step in fault["loc"] if step != "[key]") or "this entry"
    if fault["type"] == "extra_forbidden":
        return document.says(place, f"{name} is not known here. See the file's first lines for what is.")
    if fault["type"] == "missing":
        return document.says(place, f"{name} is missing. Add it.")
    return document.says(place, f"{name}: {fault['msg'].removeprefix('Value error, ')}.")


def _twice(node: yaml.Node) -> list[tuple[str, yaml.Mark]]:
    """Keys that stand twice in one mapping; PyYAML would let the last one win in silence."""
    found: list[tuple[str, yaml.Mark]] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                found.append((key.value, key.start_mark))
            seen.add(key.value)
            found += _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            found += _twice(item)
    return found
