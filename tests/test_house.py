"""The rules of the house that no linter knows, each with its reason where it fails.

A rule is a pure function from one source file to complaints, so that planted violations prove it.
"""

import ast
import re
import socket
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from tallybook.cli import words

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "tallybook"

EXACT_ROOMS = {"model", "pricing", "aggregations", "positions", "operations", "stores"}
KIND_ROOMS = {"aggregations", "pricing", "reports", "alerts", "formats", "outlets"}
SQL_ROOMS = {"stores", "aggregations"}
IMPORTERS = {"app.py", "model/kinds.py"}
WORLD = {"app.py", "settings.py"}

LISTS = ("run", "test")

FUNCTION_LINES = 60
FILE_LINES = 500
KIND_LINES = 150

CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
ENVIRONMENT = {("os", "environ"), ("os", "getenv"), ("os", "environb"), ("os", "putenv")}
SQL = re.compile(
    r"^\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s.+\sSET\s|DELETE\s+FROM\s"
    r"|CREATE\s+(OR\s+REPLACE\s+)?(TEMP\w*\s+)?(TABLE|VIEW|INDEX|MACRO)\s|ALTER\s+TABLE\s"
    r"|DROP\s+TABLE\s|PRAGMA\s|WITH\s+\w+\s+AS\s)",
    re.DOTALL,  # in capitals, as we write it: "Select a contract from the list" is prose
)
MACHINE = re.compile(r"(?<![\w.:/])/(home|root|work|Users|opt|mnt|srv|tmp)/\w")


@dataclass(frozen=True)
class Source:
    """One file of the package: its path below src/tallybook and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        return self.path.partition("/")[0]

    @property
    def lines(self) -> int:
        return self.text.count("\n")


Complaint = tuple[int, str]
Rule = Callable[[Source], Iterable[Complaint]]


def no_float(source: Source) -> Iterator[Complaint]:
    """Money and quantities are Decimal from wire to page: a float is wrong in the last digit.

    Only a duration may be one, and its name says so: it ends in `seconds`.
    """
    if source.room not in EXACT_ROOMS:
        return
    durations = set(_durations(source.tree))
    for node in ast.walk(source.tree):
        if node in durations:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value}"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float"
        elif isinstance(node, ast.Attribute) and node.attr in {"float32", "float64"}:
            yield node.lineno, node.attr


def no_clock(source: Source) -> Iterator[Complaint]:
    """Now is an argument, made in app.py: then any month can be replayed by passing a date."""
    if source.path not in WORLD:
        yield from _reaches(source.tree, CLOCKS)


def no_environment(source: Source) -> Iterator[Complaint]:
    """The environment is read once, by settings.py: then one frozen value says it all."""
    if source.path not in WORLD:
        yield from _reaches(source.tree, ENVIRONMENT)


def no_deferred_import(source: Source) -> Iterator[Complaint]:
    """An import inside a function hides a dependency, and often a cycle, from every gate."""
    if source.room == "cli":
        return
    for function in _functions(source.tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, f"an import inside {function.name}()"


def no_import_by_name(source: Source) -> Iterator[Complaint]:
    """An import from a string is invisible to the layers: app.py and model/kinds.py only."""
    if source.path in IMPORTERS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import) and any(a.name.startswith("importlib") for a in node.names):
            if all(a.name != "importlib.resources" for a in node.names):
                yield node.lineno, "importlib"
        elif isinstance(node, ast.ImportFrom) and node.module == "importlib":
            if any(a.name != "resources" for a in node.names):
                yield node.lineno, "importlib"
        elif isinstance(node, ast.Name) and node.id == "__import__":
            yield node.lineno, "__import__"


def short_functions(source: Source) -> Iterator[Complaint]:
    """A function fits on a screen, or it is two functions."""
    for function in _functions(source.tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > FUNCTION_LINES:
            yield function.lineno, f"{function.name}() has {length} lines, over {FUNCTION_LINES}"


def short_files(source: Source) -> Iterator[Complaint]:
    """A file is one thought; the home of the main noun is where houses rot first."""
    if source.lines > FILE_LINES:
        yield 1, f"{source.lines} lines, over {FILE_LINES}"


def short_kinds(source: Source) -> Iterator[Complaint]:
    """A kind is small, or the room around it does not carry its weight."""
    folder, _, name = source.path.rpartition("/")
    if folder in KIND_ROOMS and not name.startswith("_"):
        lines = source.lines - sum(_column_table_lines(source.tree))
        if lines > KIND_LINES:
            yield 1, f"{lines} lines, over {KIND_LINES}"


def no_sql_elsewhere(source: Source) -> Iterator[Complaint]:
    """SQL lives in stores, and expressions in aggregations: one room to replace an engine in."""
    if source.room in SQL_ROOMS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and SQL.match(text := _text(node)):
            yield node.lineno, f"SQL: {text.strip()[:40]!r}"


def no_path_of_a_machine(source: Source) -> Iterator[Complaint]:
    """A path of somebody's machine is wrong on every other."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := MACHINE.search(line):
            yield number, f"the path {found[0]}…"


def docstring(source: Source) -> Iterator[Complaint]:
    """Each module opens with a sentence: what it owns and what it does not."""
    if not ast.get_docstring(source.tree):
        yield 1, "no docstring"


RULES: tuple[Rule, ...] = (
    no_float,
    no_clock,
    no_environment,
    no_deferred_import,
    no_import_by_name,
    short_functions,
    short_files,
    short_kinds,
    no_sql_elsewhere,
    no_path_of_a_machine,
    docstring,
)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _durations(tree: ast.AST) -> Iterator[ast.AST]:
    """Find all that belongs to an assignment, parameter, argument or function named `…seconds`."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.arg(arg=name):
                inside: ast.AST | None = node
            case ast.AnnAssign(target=ast.Name(id=name) | ast.Attribute(attr=name)):
                inside = node
            case ast.keyword(arg=str(name)):
                inside = node
            case ast.FunctionDef(name=name):
                inside = node.returns
            case _:
                continue
        if inside is not None and name.lower().endswith("seconds"):
            yield from ast.walk(inside)


def _reaches(tree: ast.AST, banned: set[tuple[str, str]]) -> Iterator[Complaint]:
    """Find `module.name` and `from module import name`, under any alias of the module."""
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in node.names:
                aliases[name.asname or name.name] = name.name
                if isinstance(node, ast.ImportFrom) and (node.module, name.name) in banned:
                    yield node.lineno, f"{node.module}.{name.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if (aliases.get(owner, owner), node.attr) in banned:
                yield node.lineno, f"{owner}.{node.attr}"


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    """The text of a string or of an f-string, whose values are shown as a question mark."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(v.value) if isinstance(v, ast.Constant) else "?" for v in node.values)


def _column_table_lines(tree: ast.Module) -> Iterator[int]:
    """The lines of a report layout's column table, which is data."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(t, ast.Name) and t.id == "COLUMNS" for t in targets):
            yield (node.end_lineno or 0) - node.lineno


@cache
def _sources() -> tuple[Source, ...]:
    """The files of the package, read and parsed once for all rules."""
    return tuple(
        Source(file.relative_to(PACKAGE).as_posix(), file.read_text("utf-8"))
        for file in sorted(PACKAGE.rglob("*.py"))
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rule(rule: Rule) -> None:
    found = [f"src/tallybook/{s.path}:{line}: {why}" for s in _sources() for line, why in rule(s)]
    assert not found, f"{rule.__doc__}\n" + "\n".join(found)


PLANTED: tuple[tuple[Rule, str, str], ...] = (
    (no_float, "pricing/flat.py", "rate = 0.1"),
    (no_float, "positions/forecast.py", "def f(x: float) -> None: ..."),
    (no_float, "model/money.py", "x = float('1')"),
    (no_float, "model/limits.py", "WAIT = 0.25"),
    (no_float, "stores/duckdb/load.py", "import numpy as np\nx = np.float64"),
    (no_clock, "operations/tick.py", "import datetime as dt\nnow = dt.datetime.now(dt.UTC)"),
    (no_clock, "operations/tick.py", "from datetime import datetime as d\nnow = d.now()"),
    (no_clock, "web/auth.py", "import time\nnow = time.time()"),
    (no_clock, "web/auth.py", "from time import time\nnow = time()"),
    (no_environment, "cli/serve.py", "import os\nx = os.environ['HOME']"),
    (no_environment, "cli/serve.py", "from os import getenv"),
    (no_deferred_import, "web/api/events.py", "def f():\n    import json"),
    (no_import_by_name, "web/api/events.py", "from importlib import import_module"),
    (no_import_by_name, "web/api/events.py", "import importlib.util"),
    (no_import_by_name, "web/api/events.py", "x = __import__('os')"),
    (short_functions, "web/api/events.py", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
    (short_files, "web/api/events.py", "x = 1\n" * (FILE_LINES + 1)),
    (short_kinds, "pricing/flat.py", "x = 1\n" * (KIND_LINES + 1)),
    (no_sql_elsewhere, "operations/ingest.py", "q = 'SELECT seq FROM batch'"),
    (no_sql_elsewhere, "operations/ingest.py", "t = 'x'\nq = f'DELETE FROM {t} WHERE a'"),
    (no_path_of_a_machine, "app.py", "x = '/" + "home/someone/data'"),
    (docstring, "app.py", "x = 1"),
)


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_violation_is_caught(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text)))


ALLOWED: tuple[tuple[Rule, str, str], ...] = (
    (no_float, "web/charts/axis.py", "width = 0.5"),
    (no_float, "model/limits.py", "WAIT_SECONDS: float = 0.25"),
    (no_float, "stores/lease.py", "def f(wait_seconds: float) -> None: ..."),
    (no_clock, "app.py", "import datetime as dt\nnow = dt.datetime.now(dt.UTC)"),
    (no_clock, "stores/ledger/commit.py", "import time\nt = time.monotonic()"),
    (no_deferred_import, "cli/serve.py", "def f():\n    import json"),
    (no_import_by_name, "web/pages/view.py", "from importlib import resources"),
    (short_kinds, "reports/a.py", "COLUMNS = (\n" + "  1,\n" * KIND_LINES + ")\n"),
    (short_kinds, "pricing/_tiers.py", "x = 1\n" * (KIND_LINES + 1)),
    (no_sql_elsewhere, "stores/books/read.py", "q = 'SELECT seq FROM batch'"),
    (no_sql_elsewhere, "web/pages/view.py", "help = 'Select a contract from the list'"),
    (no_path_of_a_machine, "web/api/events.py", "url = 'https://x.example/home/page'"),
)


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_what_is_allowed_is_let_through(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Source(path, text)))


SWITCHED_OFF = re.compile(r"#.*\b(noqa|type: ignore|pragma: no cover)\b(?P<rest>.*)")
CODES = re.compile(r"noqa|type: ignore|pragma: no cover|[A-Z]+\d+|\[[\w, -]+\]|[\W_]")


def without_reason(text: str) -> Iterator[int]:
    """The lines that switch a rule off and do not say why."""
    for number, line in enumerate(text.splitlines(), 1):
        if (found := SWITCHED_OFF.search(line)) and not CODES.sub("", found["rest"]):
            yield number


def test_what_is_switched_off_says_why() -> None:
    files = [f for room in ("src", "tests", "bench") for f in sorted((ROOT / room).rglob("*.py"))]
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in files
        for line in without_reason(file.read_text("utf-8"))
    ]
    assert not found, "Say beside it why a rule does not hold here, or let it hold.\n" + "\n".join(
        found
    )


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("x = y  # " + "noqa: SLF001", 1),
        ("x = y  # " + "type: ignore[misc,arg-type]", 1),
        ("x = y  # " + "type: ignore[misc]  # noqa: SLF001, E501", 1),
        ("    pass  # " + "pragma: no cover", 1),
        ("x = y  # " + "noqa: SLF001 - it is ours", 0),
        ("x = y  # " + "type: ignore[misc] # it is frozen", 0),
        ("x = y  # a plain remark", 0),
    ],
)
def test_a_rule_switched_off_without_reason_is_caught(line: str, count: int) -> None:
    assert len(list(without_reason(line))) == count


def test_the_two_lists_of_dependencies_agree() -> None:
    """A wheel reads pyproject, ./tallybook reads the pinned list: a name in one only breaks one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = (ROOT / "requirements/run.in").read_text("utf-8").splitlines()
    assert sorted(project["dependencies"]) == sorted(n for n in listed if not n.startswith("#"))


def _pins(text: str) -> dict[str, list[str]]:
    """Each pin of a compiled list with its hashes."""
    lines = [line.split() for line in text.replace("\\\n", " ").splitlines() if line[:1] != "#"]
    return {line[0]: [word for word in line if word.startswith("--hash=sha256:")] for line in lines}


@pytest.mark.parametrize("name", [*LISTS, "uv"])
def test_requirements_are_pinned_without_addresses(name: str) -> None:
    """An address would tie the list to one index; a missing hash would trust any."""
    text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
    assert "://" not in text
    assert [pin for pin, hashes in _pins(text).items() if "==" not in pin or not hashes] == []
    assert _pins(text)


def test_the_pinned_lists_hold_what_is_asked_for() -> None:
    """A name added to a list and not compiled would be missing on every fresh machine."""
    for name in (*LISTS, "uv"):
        asked = (ROOT / f"requirements/{name}.in").read_text("utf-8").splitlines()
        pinned = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
        names = [re.split(r"[<>=\[]", line)[0] for line in asked if line and line[0] not in "#-"]
        assert [
            n for n in names if not re.search(rf"^{re.escape(n)}==", pinned, re.MULTILINE)
        ] == []


def test_the_test_list_holds_the_run_list() -> None:
    """What is tested is what runs, to the hash; the set-up relies on it too."""
    run, test = (_pins((ROOT / f"requirements/{name}.txt").read_text("utf-8")) for name in LISTS)
    assert run.items() <= test.items()


@pytest.mark.filterwarnings("ignore:A test tried")
def test_a_test_reaches_loopback_only() -> None:
    """A test that needs the network fails on a train and hides what it really proves."""
    with pytest.raises(SocketConnectBlockedError), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_our_own_warnings_are_fatal() -> None:
    """A warning nobody must act on is one nobody reads."""
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_every_word_of_the_command_line_is_in_the_docs() -> None:
    """A word nobody can read about does not exist, nor does one that is only written about."""
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    of_a_checkout = {"test", "bench"}
    named = set(re.findall(r"^\| `\./tallybook (\w+)`", text, re.MULTILINE))
    assert named == {*of_a_checkout, *words()}


def test_no_text_names_a_machine() -> None:
    """The rule for the package holds for tests, docs and scripts too."""
    folders = ("tests", "docs", "bench", "examples", "requirements", ".ci")
    files = [f for folder in folders for f in (ROOT / folder).rglob("*") if f.is_file()]
    files += [ROOT / "pyproject.toml", ROOT / "tallybook", *ROOT.glob("*.md")]
    texts = [f for f in files if f.suffix in {"", ".py", ".md", ".toml", ".in", ".txt", ".yaml"}]
    sources = [Source(f.relative_to(ROOT).as_posix(), f.read_text("utf-8")) for f in texts]
    assert [(s.path, found) for s in sources for found in no_path_of_a_machine(s)] == []


def test_decisions_are_numbered_and_short() -> None:
    """One page each, a number never used twice, so that a link to a decision keeps its meaning."""
    files = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(f.name[:4]) for f in files]
    assert len(numbers) == len(set(numbers))
    assert [f.name for f in files if len(f.read_text("utf-8").splitlines()) > 60] == []
