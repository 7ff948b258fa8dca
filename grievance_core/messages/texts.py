"""The words of short messages. Pure.

India's rules (TCCCPR, registration on DLT; domain.md, section 4): a message is sent only in words that were registered
before, under the template's id; what varies stands for {#var#} and has at most 30 signs. The words are in
data/messages.csv. The ids there are placeholders, until the department has registered these texts.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final

from grievance_core.errors import CatalogueError

VARIABLE: Final = "{#var#}"
VARIABLE_LIMIT: Final = 30
COLUMNS: Final = ("name", "language", "template_id", "text")
# The alphabet of GSM 03.38, and what counts as two signs of it.
GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE: Final = frozenset("^{}\\[~]|€")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Words as they are registered."""

    name: str
    language: str
    template_id: str
    text: str

    def filled(self, values: Sequence[str]) -> str:
        """The message. A value that is too long is cut. Raises ValueError for the wrong number of values."""
        pieces = self.text.split(VARIABLE)
        if len(values) != len(pieces) - 1:
            raise ValueError(f"{self.name} has {len(pieces) - 1} variables, these are {len(values)}")
        short = [" ".join(value.split())[:VARIABLE_LIMIT].strip() or "-" for value in values]
        return "".join(part for pair in zip(pieces, [*short, ""], strict=True) for part in pair)

    def fits(self, text: str) -> bool:
        """Whether a message is in these words: another is refused by the operator, and by us before."""
        pattern = re.escape(self.text).replace(re.escape(VARIABLE), f"(.{{1,{VARIABLE_LIMIT}}})")
        return re.fullmatch(pattern, text) is not None


Templates = Mapping[tuple[str, str], Template]
"""By name and language."""


def shipped() -> Templates:
    """The templates that ship. Raises CatalogueError with every wrong line."""
    file = resources.files("grievance_core") / "data" / "messages.csv"
    return parsed(file.read_text(encoding="utf-8"), "messages.csv")


def parsed(text: str, file: str) -> Templates:
    """Raises CatalogueError with every wrong line."""
    problems: list[str] = []
    found: dict[tuple[str, str], Template] = {}
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise CatalogueError([f"{file} line 1: the columns must be {', '.join(COLUMNS)}."])
    for line, row in enumerate(reader, start=2):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        place = (values["name"], values["language"])
        if not all(values.values()):
            problems.append(f"{file} line {line}: every column must be filled.")
        elif values["language"] not in ("hi", "en"):
            problems.append(f"{file} line {line}: the language must be hi or en.")
        elif not re.fullmatch(r"\d{19}", values["template_id"]):
            problems.append(f"{file} line {line}: a template's id has 19 digits, as DLT gave it.")
        elif place in found:
            problems.append(f"{file} line {line}: {place[0]} in {place[1]} stands there twice.")
        else:
            found[place] = Template(**values)
    names = {name for name, _ in found}
    problems += [
        f"{file}: {name} is missing in {language}."
        for name in sorted(names)
        for language in ("hi", "en")
        if (name, language) not in found
    ]
    if problems:
        raise CatalogueError(problems)
    return MappingProxyType(found)


def parts(text: str) -> int:
    """In how many parts a message goes out, which is what is paid: 160 signs (153 in joined ones) of the GSM alphabet,
    or 70 (67) UTF-16 units as soon as one sign, such as any Hindi one, is not in it."""
    if all(sign in GSM or sign in GSM_TWICE for sign in text):
        length = sum(2 if sign in GSM_TWICE else 1 for sign in text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= 70 else -(-length // 67)
