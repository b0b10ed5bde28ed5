"""Limits how often a password may be tried. Forgets over time, so nobody is locked out for ever."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from tallybook.model.errors import Overloaded

_USER_TRIES: Final = 10
_USER_PAUSE: Final = timedelta(minutes=1)
_ADDRESS_TRIES: Final = 50
_ADDRESS_PAUSE: Final = timedelta(seconds=10)
_BUCKETS_MAX: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    """Tries that are left, one more after each pause; full again when forgotten."""

    tries: int
    pause: timedelta
    left: int
    since: datetime

    def fill(self, now: datetime) -> None:
        self.since = min(self.since, now)  # a clock set back must not lengthen the wait
        back = (now - self.since) // self.pause
        self.left = min(self.tries, self.left + back)
        self.since = now if self.left == self.tries else self.since + back * self.pause


class Guesses:
    """Token buckets: ten tries for a user from one address, fifty for an address, then a pause.

    A stranger who guesses uses up only the tries of their own address: the owner, who comes from
    another, still gets in.
    """

    def __init__(self) -> None:
        """Start with nobody having tried."""
        self._lock = Lock()
        self._buckets: dict[Hashable, _Bucket] = {}

    def take(self, email: str, address: str, now: datetime) -> None:
        """Use up one try.

        Raises:
            Overloaded: `too_many_tries`, with `retry_after` seconds.
        """
        with self._lock:
            both = [
                self._bucket((email, address), _USER_TRIES, _USER_PAUSE, now),
                self._bucket(address, _ADDRESS_TRIES, _ADDRESS_PAUSE, now),
            ]
            empty = [bucket for bucket in both if bucket.left == 0]
            if empty:
                ready = max(bucket.since + bucket.pause for bucket in empty)
                wait = -((now - ready) // timedelta(seconds=1))
                raise Overloaded(
                    "too_many_tries",
                    f"Too many tries to sign in; try again in {wait} seconds.",
                    retry_after=wait,
                )
            for bucket in both:
                bucket.left -= 1

    def forgive(self, email: str, address: str) -> None:
        """Forget the tries of a user who got it right; others at their address lose none by it."""
        with self._lock:
            self._buckets.pop((email, address), None)
            if (shared := self._buckets.get(address)) is not None:
                shared.left = min(shared.tries, shared.left + 1)

    def _bucket(self, key: Hashable, tries: int, pause: timedelta, now: datetime) -> _Bucket:
        if key not in self._buckets:
            if len(self._buckets) >= _BUCKETS_MAX:
                self._forget(now)
            self._buckets[key] = _Bucket(tries, pause, tries, now)
        bucket = self._buckets[key]
        bucket.fill(now)
        return bucket

    def _forget(self, now: datetime) -> None:
        """Drop the full buckets, or the older half where there are too few of them."""
        for bucket in self._buckets.values():
            bucket.fill(now)
        kept = [(k, b) for k, b in self._buckets.items() if b.left < b.tries]
        self._buckets = dict(kept[-_BUCKETS_MAX // 2 :])
