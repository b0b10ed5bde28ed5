"""A step of an installation that is repeated in a thread. What the step does is not known here."""

import threading
from collections.abc import Callable

import structlog

from tallybook.model.errors import Unavailable

log = structlog.get_logger()


class Loop(threading.Thread):
    """A step repeated until the installation closes; it may return that more waits to be done.

    A step that fails is told of by `/readyz` and, once for each reason, in the log; it is tried
    again.
    """

    def __init__(self, name: str, step: Callable[[], bool | None], pause_seconds: float) -> None:
        """Nothing runs yet."""
        super().__init__(name=name, daemon=True)
        self._step = step
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()
        self.fault: str | None = None

    def run(self) -> None:
        """Repeat the step, at once while it says that more waits."""
        while not self._stopping.is_set():
            try:
                more = self._step()
                self.fault = None
            except Exception as e:
                more = False
                before, self.fault = self.fault, f"{self.name}: {e}"
                if self.fault != before:
                    traced = not isinstance(e, Unavailable)  # what a store lacks is in its words
                    said = {"reason": str(e), "cause": str(e.__cause__ or "")}
                    log.exception("loop failed", loop=self.name, **said, exc_info=traced)
            if not more:
                self._stopping.wait(self._pause_seconds)

    def close(self) -> None:
        """Wait for the step to end, and repeat it no more."""
        self._stopping.set()
        self.join()
