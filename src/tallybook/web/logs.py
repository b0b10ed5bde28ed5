"""Where the log goes, and how its lines look. What is logged is said by whoever knows it."""

import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


def log_to_stderr(level: int) -> None:
    """Log JSON lines of this level and above to standard error; standard output is for answers."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
    )


class _Stderr:
    """Standard error for the log: a line that a full disk does not take must not fail a request."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()
