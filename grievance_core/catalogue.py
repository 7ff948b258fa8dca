"""Districts, departments and categories: what a complaint can be about and where, loaded from files and checked.

The files ship in `grievance_core/data/`; a department edits them in a spreadsheet, so every fault is told with its
file and line, all faults at once. Which rows are public and which designed stands in each row's `source` column.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import SequenceMatcher, get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import TypeVar

from grievance_core.errors import CatalogueError, UnknownCategory, UnknownDepartment, UnknownDistrict
from grievance_core.limits import MAX_DAYS, Limit, limit_of

LEVELS = (1, 2, 3, 4)
TOP_LEVEL = LEVELS[-1]
ALIKE = 0.72  # from this likeness on (0 to 1) an unknown code gets the nearest one suggested
# Designations become ids of posts, so they are short and in Latin letters.
DESIGNATION = r"[A-Za-z][A-Za-z .,&()'/-]{0,79}"

DISTRICT_COLUMNS = ("lgd_code", "name_en", "name_hi", "division_en", "division_hi", "std_code", "other_names")
DEPARTMENT_COLUMNS = ("code", "name_en", "name_hi", "source")
CATEGORY_COLUMNS = (
    *("code", "department_code", "name_en", "name_hi"),
    *(f"l{level}_days" for level in LEVELS),
    *(f"l{level}_officer" for level in LEVELS),
    *("other_number", "source"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A district of Uttar Pradesh. `code` is its code in the Local Government Directory (LGD)."""

    code: str
    name_en: str
    name_hi: str
    division_en: str
    division_hi: str
    std_code: str  # with its leading 0; two neighbours may share one (Meerut and Baghpat)
    other_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A department of the state."""

    code: str
    name_en: str
    name_hi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of matter: who answers for it at each level, and within which time."""

    code: str
    department: str
    name_en: str
    name_hi: str
    limits: tuple[Limit, Limit, Limit, Limit]  # for level 1 to 4
    officers: tuple[str, str, str, str]  # designations, level 1 to 4
    other_number: str  # a helpline that acts faster, "" if none


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file under its column names."""

    file: str
    line: int
    values: Mapping[str, str]

    def says(self, message: str) -> str:
        return f"{self.file} line {self.line}: {message}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All districts, departments and categories. Look-ups raise an error that suggests the nearest."""

    districts: Mapping[str, District]
    departments: Mapping[str, Department]
    categories: Mapping[str, Category]
    _names: Mapping[str, District] = field(repr=False)

    @classmethod
    def shipped(cls) -> Catalogue:
        """The catalogue of the files that ship with this room."""
        return cls.load(resources.files("grievance_core") / "data")

    @classmethod
    def load(cls, folder: Traversable) -> Catalogue:
        """The catalogue of a folder with the three files. Raises CatalogueError with every wrong line."""
        problems: list[str] = []
        districts = _table(
            read_rows(folder, "districts.csv", DISTRICT_COLUMNS, problems), "lgd_code", _district, problems
        )
        departments = _table(
            read_rows(folder, "departments.csv", DEPARTMENT_COLUMNS, problems), "code", _department, problems
        )

        def category(row: Row, faults: list[str]) -> Category:
            return _category(row, departments, faults)

        categories = _table(read_rows(folder, "categories.csv", CATEGORY_COLUMNS, problems), "code", category, problems)
        names = _district_names(districts.values(), problems)
        if problems:
            raise CatalogueError(problems)
        return cls(
            MappingProxyType(districts),
            MappingProxyType(departments),
            MappingProxyType(categories),
            MappingProxyType(names),
        )

    def category(self, code: str) -> Category:
        """The category with this code, in small or capital letters."""
        found = self.categories.get(code.strip().upper())
        if found is None:
            names = {item.code: item.name_en for item in self.categories.values()}
            raise UnknownCategory(_no_such("category", code, names))
        return found

    def department(self, code: str) -> Department:
        """The department with this code, in small or capital letters."""
        found = self.departments.get(code.strip().upper())
        if found is None:
            names = {item.code: item.name_en for item in self.departments.values()}
            raise UnknownDepartment(_no_such("department", code, names))
        return found

    def categories_of(self, department: str) -> tuple[Category, ...]:
        """The categories of a department in the order of the file."""
        code = self.department(department).code
        return tuple(item for item in self.categories.values() if item.department == code)

    def district(self, code: str) -> District:
        """The district with this LGD code."""
        found = self.districts.get(code.strip())
        if found is None:
            names = {item.code: item.name_en for item in self.districts.values()}
            others = {name: item.code for name, item in self._names.items()}
            raise UnknownDistrict(_no_such("district", code, names, others))
        return found

    def find_district(self, text: str) -> District:
        """The district by LGD code or by any of its names, Hindi or English, old or new."""
        return self._names.get(plain(text)) or self.district(text)

    def districts_by_std(self, std_code: str) -> tuple[District, ...]:
        """The districts that share this STD code, with or without its leading 0; none if it is not of this state."""
        wanted = "0" + std_code.strip().removeprefix("0")
        return tuple(item for item in self.districts.values() if item.std_code == wanted)


def plain(text: str) -> str:
    """A name as it is compared: case, spaces, dashes and the nukta (आज़मगढ़, आजमगढ) do not count."""
    decomposed = unicodedata.normalize("NFD", text.casefold()).replace("\u093c", "")
    return " ".join(unicodedata.normalize("NFC", decomposed).replace("-", " ").split())


def read_rows(folder: Traversable, file: str, columns: tuple[str, ...], problems: list[str]) -> list[Row]:
    """The lines of a CSV file (UTF-8, first line the column names) with their line numbers; faults go to `problems`."""
    try:
        raw = (folder / file).read_bytes()
    except OSError as error:
        problems.append(f"{file}: it can't be read ({error.strerror}). Put the file back.")
        return []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.append(f"{file} line {line}: this is not UTF-8. Save the file as 'CSV UTF-8'.")
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    line = 1  # where the present record begins: a quoted field may span lines
    try:
        for cells in reader:
            if line == 1 and tuple(cells) != columns:
                problems.append(f"{file} line 1: the columns must be {','.join(columns)}.")
                return []
            if line > 1 and cells:
                if len(cells) == len(columns):
                    values = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
                    rows.append(Row(file, line, values))
                else:
                    problems.append(f"{file} line {line}: {len(columns)} fields are expected, these are {len(cells)}.")
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"{file} line {line}: {error}. Look for a quotation mark that is not closed.")
    if not rows and not problems:
        problems.append(f"{file}: it holds no line but the column names.")
    return rows


T = TypeVar("T")


def _table(rows: Iterable[Row], key: str, build: Callable[[Row, list[str]], T], problems: list[str]) -> dict[str, T]:
    first: dict[str, int] = {}
    built: dict[str, T] = {}
    for row in rows:
        code = row.values[key]
        if code in first:
            problems.append(row.says(f"{key} {code} stands in line {first[code]} already. Each may occur once."))
            continue
        first[code] = row.line
        built[code] = build(row, problems)
    return built


def _text(row: Row, column: str, problems: list[str]) -> str:
    value = row.values[column]
    if not value:
        problems.append(row.says(f"{column} is empty. Fill it in."))
    return value


def _shaped(row: Row, column: str, pattern: str, expected: str, problems: list[str]) -> str:
    value = row.values[column]
    if not re.fullmatch(pattern, value):
        problems.append(row.says(f"{column} is {value!r}, expected {expected}."))
    return value


def _district(row: Row, problems: list[str]) -> District:
    others = (name.strip() for name in row.values["other_names"].split(";"))
    return District(
        code=_shaped(row, "lgd_code", r"[0-9]{1,4}", "the LGD code, digits only", problems),
        name_en=_text(row, "name_en", problems),
        name_hi=_text(row, "name_hi", problems),
        division_en=_text(row, "division_en", problems),
        division_hi=_text(row, "division_hi", problems),
        std_code=_shaped(row, "std_code", r"0[0-9]{2,4}", "an STD code with its leading 0, such as 0522", problems),
        other_names=tuple(name for name in others if name),
    )


def _department(row: Row, problems: list[str]) -> Department:
    return Department(
        code=_shaped(row, "code", r"[A-Z]{3}", "three capital letters", problems),
        name_en=_text(row, "name_en", problems),
        name_hi=_text(row, "name_hi", problems),
    )


def _limit(row: Row, level: int, problems: list[str]) -> Limit:
    value = row.values[f"l{level}_days"]
    found = limit_of(value)
    if found is not None:
        return found
    problems.append(
        row.says(f"l{level}_days is {value!r}, expected working days from 1 to {MAX_DAYS}, or hours such as 24h.")
    )
    return Limit(timedelta(days=MAX_DAYS))


def _category(row: Row, departments: Mapping[str, Department], problems: list[str]) -> Category:
    department = row.values["department_code"]
    if departments and department not in departments:
        near = get_close_matches(department, departments, n=1)
        hint = f" Did you mean {near[0]}?" if near else " Add it to departments.csv first."
        problems.append(row.says(f"department_code {department!r} is not in departments.csv.{hint}"))
    one, two, three, four = (
        _shaped(row, f"l{level}_officer", DESIGNATION, "a designation in Latin letters, at most 80", problems)
        for level in LEVELS
    )
    if len({one, two, three, four}) < len(LEVELS):
        # Otherwise a complaint that rises would come back to the officer who lost it.
        problems.append(row.says("the officers of levels 1 to 4 must be four different ones."))
    return Category(
        code=_shaped(row, "code", rf"{re.escape(department)}-[0-9]{{2}}", f"such as {department}-01", problems),
        department=department,
        name_en=_text(row, "name_en", problems),
        name_hi=_text(row, "name_hi", problems),
        limits=(_limit(row, 1, problems), _limit(row, 2, problems), _limit(row, 3, problems), _limit(row, 4, problems)),
        officers=(one, two, three, four),
        other_number=_shaped(row, "other_number", r"[0-9]{3,11}|", "a phone number or nothing", problems),
    )


def _district_names(districts: Iterable[District], problems: list[str]) -> dict[str, District]:
    names: dict[str, District] = {}
    for district in districts:
        for name in {plain(name) for name in (district.name_en, district.name_hi, *district.other_names)} - {""}:
            if name in names:
                problems.append(
                    f"districts.csv: the name {name!r} is given to {names[name].code} and {district.code}. Keep one."
                )
            names[name] = district
    return names


def _no_such(what: str, asked: str, names: Mapping[str, str], others: Mapping[str, str] | None = None) -> str:
    """The sentence for an unknown code. `names` are the known by code, `others` more names with their codes."""
    known = {plain(code): code for code in names}
    named = {plain(name): code for code, name in names.items()} | dict(others or {})
    wanted = plain(asked)

    def likeness(candidate: str) -> float:
        return SequenceMatcher(None, wanted, candidate).ratio()

    for candidates in (known, named):
        nearest = max(candidates, key=likeness, default="")
        if nearest and likeness(nearest) >= ALIKE:
            code = candidates[nearest]
            return f"There is no {what} {asked[:40]!r}. Did you mean {code} ({names[code]})?"
    return f"There is no {what} {asked[:40]!r}. Look it up in the list of codes."
