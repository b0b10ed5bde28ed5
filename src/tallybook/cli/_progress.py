"""A progress bar on standard error, only where somebody looks at it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int | None], None]


@contextmanager
def progress(label: str, total: int | None, *, counted: bool = False) -> Iterator[Advance]:
    """Show a bar; the yielded call says how much of `total` is done.

    `counted` shows the numbers too. Where standard error is no terminal nothing is shown.
    """
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()]
    if counted:
        columns.insert(2, MofNCompleteColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
