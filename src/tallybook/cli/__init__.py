"""Commands, one file a group; each is one call to the API, over the wire or in process.

A word is a file of this folder (a trailing underscore keeps `import_` off Python's keyword) that
opens with one sentence of help and holds `app`, made by `_command.commands()`. It is imported
when its word is typed: this is the only deferred import of the code base, and why a start is fast.
"""

import json
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import cast

from tallybook import __version__
from tallybook.cli._exit import ExitCode
from tallybook.model import kinds
from tallybook.model.errors import Overloaded, TallybookError, Unavailable

USAGE = """\
Usage: tallybook WORD [OPTIONS]

What was promised, what was used, where it is heading, what it will cost.

"""
CLOSING = """
`tallybook WORD --help` explains a word. With --json, standard output is JSON only.
Exit codes: 0 done, 1 problems found or refused, 2 wrong usage, 3 server or store unavailable.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one word and return its exit code; `arguments` are those after the program's name."""
    word, *rest = arguments if arguments is not None else sys.argv[1:] or ["--help"]
    if word in {"--help", "-h", "help"}:
        sys.stdout.write(overview())
        return ExitCode.DONE
    if word in {"--version", "-V"}:
        sys.stdout.write(f"tallybook {__version__}\n")
        return ExitCode.DONE
    if word not in words():
        near = "".join(f" Did you mean {other!r}?" for other in get_close_matches(word, words()))
        sys.stderr.write(f"There is no word {word!r}.{near} `tallybook --help` lists them.\n")
        return ExitCode.USAGE
    try:
        return _run(word, rest)
    except TallybookError as error:
        return _refused(error, as_json="--json" in rest)


def words() -> tuple[str, ...]:
    """The words there are, sorted: the files of this folder."""
    return tuple(name.rstrip("_") for name in kinds.names(_room()))


def overview() -> str:
    """The page of `--help`: each word with the first sentence of its file, none imported."""
    here = Path(__file__).parent
    rows = {name.rstrip("_"): _sentence(here / f"{name}.py") for name in kinds.names(_room())}
    rows["bench"] = "Compare us with the engine alone (in a checkout: ./tallybook bench)."
    rows["test"] = "Run every gate and test (in a checkout: ./tallybook test)."
    width = max(map(len, rows))
    lines = [f"  {word:<{width}}  {sentence}\n" for word, sentence in sorted(rows.items())]
    return USAGE + "".join(lines) + CLOSING


def _room() -> ModuleType:
    """The package itself, as the room whose kinds are the words."""
    return sys.modules[__name__]


def _run(word: str, rest: Sequence[str]) -> int:
    """Import the word's file and hand it the remaining arguments."""
    name = next(name for name in kinds.names(_room()) if name.rstrip("_") == word)
    app = cast("Callable[..., object]", kinds.load(_room(), name).app)
    try:
        app(args=list(rest), prog_name=f"tallybook {word}")
    except SystemExit as stop:  # how Typer says "done", and with which code
        return stop.code if isinstance(stop.code, int) else ExitCode.DONE
    return ExitCode.DONE


def _refused(error: TallybookError, *, as_json: bool) -> int:
    """Say why on standard error, and to a program on standard output."""
    if as_json:
        facts = {name: str(fact) for name, fact in error.facts.items()}
        problem = {"code": error.code, "detail": error.detail, **facts}
        sys.stdout.write(json.dumps(problem) + "\n")
    sys.stderr.write(f"{error.detail} ({error.code})\n")
    away = isinstance(error, Unavailable | Overloaded)
    return ExitCode.UNAVAILABLE if away else ExitCode.PROBLEMS


def _sentence(file: Path) -> str:
    """The first sentence of a file's docstring, without importing it."""
    opening = file.read_text(encoding="utf-8").split('"""')[1]
    return " ".join(opening.split()).partition(". ")[0].rstrip(".") + "."
