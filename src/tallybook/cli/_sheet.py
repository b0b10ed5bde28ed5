"""How the rows of somebody's table become documents: columns are paths, or are mapped to paths, and
rows of one key make one document. Pure; knows no file and no server.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Final, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from tallybook.cli._folder import KEY_FIELDS, Origin, Origins
from tallybook.model.directory import NOUNS
from tallybook.model.errors import Invalid
from tallybook.model.nouns import parse
from tallybook.model.ports import NounName
from tallybook.model.table import BadRow, Row, Table

_STEP: Final = re.compile(r"([^.\[\]]+)|\[([^\[\]]+)\]")
_DATE_PART: Final = {"YYYY": r"(?P<y>\d{4})", "MM": r"(?P<m>\d{1,2})", "DD": r"(?P<d>\d{1,2})"}
#: What a number is written with: its mark of thousands and its point.
_MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "1234.5": ("", "."),
    "1234,5": ("", ","),
    "1,234.5": (",", "."),
    "1.234,5": (".", ","),
    "1 234,5": (" ", ","),
    "1 234.5": (" ", "."),
    "1'234.5": ("'", "."),
}
#: The fields of a price that are numbers; what else is in it is text.
_PRICE_NUMBERS: Final = frozenset(
    {"amount", "unit_amount", "flat_amount", "fixed_amount", "package_amount", "package_size",
     "rate", "up_to", "min", "max"}
)  # fmt: skip
_NUMBERS: Final = frozenset({Decimal, int})


class Sheet(BaseModel):
    """What a mapping file may say; the command line says the same and wins.

    `map` names the column of each path, as `lines.0.code` or `lines[sms].allotment.quantity`;
    `set` holds what is the same for every row. `dates` and `numbers` show how they are written:
    `DD/MM/YYYY`, `1.234,5`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    map: dict[str, str] = Field(default_factory=dict)
    set: dict[str, str | int | bool | Decimal] = Field(default_factory=dict)
    dates: str = "YYYY-MM-DD"
    numbers: str = "1234.5"
    format: str | None = None
    delimiter: str | None = None


class Record(NamedTuple):
    """A document of one row or several; `origins` says by path where its values were read."""

    row: int
    document: Mapping[str, Any]
    origins: Origins


class Refused(NamedTuple):
    """A row that makes no document, and why."""

    row: int
    column: str | None
    field: str
    code: str
    detail: str


class _Cell(NamedTuple):
    value: Any
    origin: Origin


#: A name, or a place in a list: by its number in a row, or by what the element is called.
_Path = tuple[str | tuple[int, int] | tuple[str], ...]
_Tree = dict[Any, Any]


def sheet(document: Mapping[str, Any], given: Mapping[str, Any]) -> Sheet:
    """Join a mapping file with what the command line gives; None is not given.

    Raises:
        Invalid: `document_invalid`, `mapping_invalid`.
    """
    said = {name: value for name, value in given.items() if value}
    for name in ("map", "set"):
        said[name] = {**(document.get(name) or {}), **said.get(name, {})}
    made = parse(Sheet, {**document, **said})
    if made.numbers not in _MARKS:
        known = ", ".join(f"{example!r}" for example in _MARKS)
        raise Invalid(
            "mapping_invalid", f"numbers shows how numbers are written; choose one of: {known}.",
            field="numbers",
        )  # fmt: skip
    if sorted(re.findall(r"[A-Z]+", made.dates)) != sorted(_DATE_PART):
        raise Invalid(
            "mapping_invalid", "dates is made of YYYY, MM and DD; write it as DD/MM/YYYY.",
            field="dates",
        )  # fmt: skip
    return made


def unused(sheet_: Sheet, table: Table) -> list[str]:
    """Return the columns that nothing is read from."""
    columns = table.columns or ()
    return [name for name in columns if sheet_.map and name not in sheet_.map.values()]


def records(sheet_: Sheet, table: Table, noun: NounName) -> Iterator[Record | Refused]:
    """Make documents of all rows of a table, in the order of their first rows.

    Rows with the same key and `valid_from` are one document: their lists are joined, and of all
    else none may contradict another.

    Raises:
        Invalid: `unknown_column`, `mapping_invalid`.
    """
    columns = _columns(sheet_, table)
    found: dict[tuple[Any, Any], list[list[tuple[_Path, _Cell]]]] = {}
    key = KEY_FIELDS[noun]
    for row in table.rows:
        if isinstance(row, BadRow):
            yield Refused(row.number, None, "", "row_unreadable", row.reason)
            continue
        try:
            cells = list(_cells(sheet_, columns, row, noun, is_text=table.is_text))
        except _AtFault as e:
            yield e.refused
            continue
        said = {path[0]: cell.value for path, cell in cells if len(path) == 1}
        name = (said.get(key, row.number), said.get("valid_from"))
        found.setdefault(name, []).append(cells)
    for rows in _in_order(found):
        yield _record(rows)


def _in_order(
    found: Mapping[tuple[Any, Any], list[list[tuple[_Path, _Cell]]]],
) -> Iterator[list[list[tuple[_Path, _Cell]]]]:
    """Yield the documents of a key together, by the day from which they hold."""
    firsts: dict[Any, int] = {}
    for key, _ in found:
        firsts.setdefault(key, len(firsts))
    for name in sorted(found, key=lambda name: (firsts[name[0]], str(name[1] or ""))):
        yield found[name]


class _AtFault(Exception):
    def __init__(self, origin: Origin, field: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.refused = Refused(origin.row, origin.column, field, code, detail)


def _columns(sheet_: Sheet, table: Table) -> Mapping[str, str]:
    """Return the column of each path."""
    known = table.columns or ()
    columns = sheet_.map or {column: column for column in known}
    for path, column in columns.items():
        if column not in known:
            raise Invalid(
                "unknown_column",
                f"There is no column {column!r} (for {path}); choose one of: {', '.join(known)}.",
                field=path,
            )
    for path in (*sheet_.map, *sheet_.set):
        if not re.fullmatch(r"[^.\[\]]+(\.[^.\[\]]+|\[[^.\[\]]+\])*", path):
            raise Invalid(
                "mapping_invalid",
                f"{path!r} is no path; write one as end_date, lines.0.code or lines[sms].quantity.",
                field=path,
            )
    return columns


def _cells(
    sheet_: Sheet, columns: Mapping[str, str], row: Row, noun: NounName, *, is_text: bool
) -> Iterator[tuple[_Path, _Cell]]:
    """Yield what a row says: empty cells say nothing, nor do constants of a place in a list of
    which no cell says anything.
    """
    places = set()
    for path, column in columns.items():
        value = row.fields.get(column)
        value = value.strip() if isinstance(value, str) else value
        if value is None or value == "":
            continue
        origin = Origin(row.number, column)
        if is_text or isinstance(value, str):
            value = _read(sheet_, str(value), noun, path, origin)
        steps = _steps(path, row.number)
        places |= set(_elements(steps))
        yield steps, _Cell(value, origin)
    for path, constant in sheet_.set.items():
        steps = _steps(path, row.number)
        if set(_elements(steps)) <= places:
            yield steps, _Cell(constant, Origin(row.number, None))


def _steps(path: str, row: int) -> _Path:
    steps: list[str | tuple[int, int] | tuple[str]] = []
    for name, called in _STEP.findall(path):
        if called:
            steps.append((called,))
        else:
            steps.append((row, int(name)) if name.isdecimal() else name)
    return tuple(steps)


def _elements(path: _Path) -> Iterator[_Path]:
    """Yield the places in lists that a path leads through."""
    for count, step in enumerate(path, 1):
        if isinstance(step, tuple):
            yield path[:count]


def _record(rows: Sequence[Iterable[tuple[_Path, _Cell]]]) -> Record | Refused:
    tree: _Tree = {}
    first = 0
    try:
        for cells in rows:
            for path, cell in cells:
                first = first or cell.origin.row
                _put(tree, path, cell)
        origins: dict[str, Origin] = {}
        document = _value(tree, "", origins)
    except _AtFault as e:
        return e.refused
    return Record(first, document, origins)


def _put(tree: _Tree, path: _Path, cell: _Cell) -> None:
    inside = tree
    for count, step in enumerate(path[:-1], 1):
        inside = inside.setdefault(step, {})
        if isinstance(inside, _Cell):
            raise _contradiction(cell, path[:count], inside)
    held = inside.setdefault(path[-1], cell)
    if not isinstance(held, _Cell) or held.value != cell.value:
        raise _contradiction(cell, path, held)


def _contradiction(cell: _Cell, path: _Path, other: Any) -> _AtFault:
    said = "the column contradicts another"
    if isinstance(other, _Cell) and other.origin.row != cell.origin.row:
        said = f"this is {cell.value!s:.60} where row {other.origin.row} has {other.value!s:.60}"
    names = (str(step[-1]) if isinstance(step, tuple) else step for step in path)
    return _AtFault(cell.origin, ".".join(names), "row_contradicts", said)


def _value(node: Any, path: str, origins: dict[str, Origin]) -> Any:
    """Return what a tree says, and note where each value of it was read."""
    if isinstance(node, _Cell):
        origins[path] = node.origin
        return node.value
    if not any(isinstance(step, tuple) for step in node):
        return {name: _value(inside, _below(path, name), origins) for name, inside in node.items()}
    elements: list[Any] = []
    for step, inside in sorted(node.items(), key=_place):
        element = _element(step, inside, path)
        if not any(_value(element, "", {}) == known for known in elements):
            elements.append(_value(element, _below(path, len(elements)), origins))
    return elements


def _place(item: tuple[Any, Any]) -> tuple[int, ...]:
    """Keep named elements in their order, before those that only have a number."""
    step = item[0]
    return (1, *step) if isinstance(step, tuple) and len(step) > 1 else (0,)


def _element(step: Any, inside: Any, path: str) -> Any:
    """Give an element that was named its name: lines have a code."""
    if not isinstance(step, tuple) or len(step) > 1 or isinstance(inside, _Cell):
        return inside
    field = "code" if path.rpartition(".")[2] == "lines" else "name"
    first = next(_origins(inside))
    return {field: _Cell(step[0], first._replace(column=None)), **inside}


def _origins(node: Any) -> Iterator[Origin]:
    if isinstance(node, _Cell):
        yield node.origin
        return
    for inside in node.values():
        yield from _origins(inside)


def _below(path: str, name: object) -> str:
    return f"{path}.{name}".lstrip(".")


def _read(sheet_: Sheet, text: str, noun: NounName, path: str, origin: Origin) -> Any:
    """Read a cell as what its field is; what is neither number nor day stays the text it is."""
    kind = _kind(noun, [name for name, _ in _STEP.findall(path) if name and not name.isdecimal()])
    if kind is date:
        return _day(sheet_.dates, text, path, origin)
    if kind not in _NUMBERS:
        return text
    number = _number(sheet_.numbers, text, path, origin)
    return int(number) if kind is int and number.isdecimal() else number


def _kind(noun: NounName, names: Sequence[str]) -> Any:
    """Return the type of a field: Decimal, int, date, or anything else, which is text."""
    if names == ["valid_from"]:
        return date
    kind: Any = NOUNS[noun]
    for name in names:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and name in kind.model_fields:
            kind = _bare(kind.model_fields[name].annotation)
        elif kind is dict and "price" in names:
            return Decimal if names[-1] in _PRICE_NUMBERS else str
        else:
            return str
    return kind


def _bare(kind: Any) -> Any:
    """Return what a field holds, or a list of it: without None and without constraints."""
    origin = get_origin(kind)
    if origin is Annotated or origin is list:
        return _bare(get_args(kind)[0])
    if origin in {Union, UnionType}:
        return _bare(next(part for part in get_args(kind) if part is not type(None)))
    return origin or kind


def _day(written: str, text: str, path: str, origin: Origin) -> str:
    pattern = re.sub("YYYY|MM|DD", lambda part: _DATE_PART[part[0]], re.escape(written))
    found = re.fullmatch(pattern, text, re.ASCII)
    try:
        if found:
            return date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
    except ValueError as e:
        raise _AtFault(origin, path, "date_invalid", f"There is no day {text[:40]!r}.") from e
    hint = f"{text[:40]!r} is not written as {written}; say how with --dates, as DD/MM/YYYY."
    raise _AtFault(origin, path, "date_invalid", hint)


def _number(written: str, text: str, path: str, origin: Origin) -> str:
    thousands, point = _MARKS[written]
    plain = text.replace("\u00a0", " ").replace("\u202f", " ")
    mark = re.escape(thousands)
    whole = rf"\d{{1,3}}(?:{mark}\d{{3}})+|\d+" if thousands else r"\d+"
    if not re.fullmatch(rf"[+-]?(?:{whole})(?:{re.escape(point)}\d+)?", plain, re.ASCII):
        hint = f"{text[:40]!r} is no number as {written}; say how with --numbers, as 1.234,5."
        raise _AtFault(origin, path, "number_invalid", hint)
    bare = plain.replace(thousands, "") if thousands else plain
    return bare.replace(point, ".").removeprefix("+")
