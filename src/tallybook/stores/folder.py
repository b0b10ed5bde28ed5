"""One data folder has one owner process: a lock the kernel gives back when the owner dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from tallybook.model.errors import Unavailable


class Folder:
    """A data folder owned by this process until it is closed or the process ends."""

    def __init__(self, path: Path) -> None:
        """Make the folder where there is none, and own it.

        Raises:
            Unavailable: `folder_in_use`, naming the owner's process; `folder_unusable`.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as e:
            raise Unavailable(
                "folder_unusable", f"The data folder {path} cannot be used: {e.strerror}."
            ) from e
        self._own()

    def _own(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            owner = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            raise Unavailable(
                "folder_in_use",
                f"The data folder {self.path} is in use by process {owner}; stop it first, "
                "or choose another folder.",
                owner=owner,
            ) from e
        with suppress(OSError):  # a full disk must not keep a reader from starting
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Give the folder back. The file stays: removing it would let two owners in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
