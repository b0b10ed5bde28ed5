"""Exit codes: the whole list, the same for every word."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script may rely on after a word has run."""

    DONE = 0
    PROBLEMS = 1
    """It ran and found problems, or the request was refused."""
    USAGE = 2
    """The words or options make no sense; nothing was tried."""
    UNAVAILABLE = 3
    """The server or a store does not answer, or asks to try again later."""
