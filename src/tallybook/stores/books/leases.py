"""Who does a job, of all processes that use Books: one row a job, taken for a while and renewed.

The database counts the time, so clocks of machines need not agree, and nobody waits: a row that
another process is about to take is passed over. A holder that was paused may believe for longer
than its lease lasts that it has the job; so whatever it writes is checked against the row, in the
same transaction (`keep`).
"""

import time
from contextlib import suppress
from typing import Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    extract,
    func,
    or_,
    select,
    text,
    true,
    update,
)

from tallybook.model.errors import Conflict, Unavailable
from tallybook.model.limits import LEASE_SECONDS
from tallybook.model.ports import Claim
from tallybook.model.scope import Scope
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import lease

_SECOND: Final = 1_000_000
#: A clock that is put right may go back a little while a lease runs, which it does not end.
_AHEAD_SECONDS_MAX: Final = 2 * LEASE_SECONDS
#: The same words on both databases. Looked for first: a row that is being changed would be waited
#: for.
_ADD: Final = text(
    "INSERT INTO lease (name, holder, until, fence) SELECT :job, '', 0, 0 "
    "WHERE NOT EXISTS (SELECT 1 FROM lease WHERE name = :job) ON CONFLICT DO NOTHING"
)


class _Held(NamedTuple):
    """What is held, and until when it is by our own clock, which began to count earlier."""

    claim: Claim
    until_seconds: float


class BooksLeases:
    """See `model.ports.Leases`. `holder` is this process, and names no other."""

    def __init__(self, database: Database, holder: str) -> None:
        """Hold nothing yet."""
        self._database = database
        self._holder = holder
        self._held: dict[str, _Held] = {}
        self._rests = False

    def claim(self, scope: Scope, job: str) -> Claim | None:
        """Take a job that nobody has, or keep it; None while another process has it."""
        scope.require("administer")
        held = self._held.get(job)
        if held and (self._database.is_owned or time.monotonic() < held.until_seconds):
            return held.claim
        return None if self._rests else self._take(job)

    def renew(self) -> None:
        """Keep what is held; called several times in the length of a lease."""
        self._rests = False
        for job in () if self._database.is_owned else tuple(self._held):
            self._take(job)

    def rest(self) -> None:
        """Leave the jobs to others until it is time to renew, as what is held cannot be done."""
        if not self._database.is_owned:  # there are no others
            self._rests = True
            self.close()

    def close(self) -> None:
        """Give up what is held, so that others need not wait; where that fails, they wait."""
        held, self._held = self._held, {}
        if held:
            with suppress(Unavailable), self._database.out_of_turn() as connection:
                mine = lease.c.holder == self._holder
                connection.execute(update(lease).where(mine).values(until=0))

    def _take(self, job: str) -> Claim | None:
        until_seconds = time.monotonic() + LEASE_SECONDS
        with self._database.out_of_turn() as connection:
            if job not in self._held:
                connection.execute(_ADD, {"job": job})
            free = or_(lease.c.holder == self._holder, ~_runs(connection))
            if self._database.is_owned:  # whoever had it is gone
                free = true()
            holder = select(lease.c.holder).where(lease.c.name == job)
            one = select(lease.c.holder, lease.c.fence).where(lease.c.name == job, free)
            row = connection.execute(one.with_for_update(skip_locked=True)).one_or_none()
            if row is None:  # another has it, or we ourselves are writing, which renews it
                if job in self._held and connection.scalar(holder) != self._holder:
                    self._held.pop(job, None)
                return None
            claim = Claim(job, row.fence + (row.holder != self._holder))
            values = {"holder": self._holder, "fence": claim.fence, "until": _end(connection)}
            connection.execute(update(lease).where(lease.c.name == job).values(values))
        self._held[job] = _Held(claim, until_seconds)
        return claim


def keep(connection: Connection, claim: Claim) -> None:
    """Renew a claim in a transaction that writes what was decided under it.

    Nobody takes the job over before the transaction ends.

    Raises:
        Conflict: `lease_lost`; another has taken it over, and nothing may be written.
    """
    mine = (lease.c.name == claim.job, lease.c.fence == claim.fence)
    if connection.execute(update(lease).where(*mine).values(until=_end(connection))).rowcount != 1:
        raise Conflict(
            "lease_lost",
            f"Another process has taken over {claim.job!r}; what this one decided was not written.",
        )


def any_held(connection: Connection) -> bool:
    """Tell whether a process has a job now."""
    held = select(lease.c.name).where(_runs(connection)).limit(1)
    return connection.scalar(held) is not None


def _runs(connection: Connection) -> ColumnElement[bool]:
    """Tell whether a lease has not ended. One that would last longer than any was counted by a
    clock ahead of this one, as that of a server which this one has replaced.
    """
    now = now_of(connection)
    return and_(lease.c.until > now, lease.c.until <= now + _AHEAD_SECONDS_MAX * _SECOND)


def _end(connection: Connection) -> ColumnElement[int]:
    return now_of(connection) + LEASE_SECONDS * _SECOND


def now_of(connection: Connection) -> ColumnElement[int]:
    """Return the instant it is for the database, also late in a transaction."""
    if connection.dialect.name == "sqlite":
        return cast(func.strftime("%s", "now"), BigInteger) * _SECOND
    return cast(extract("epoch", func.clock_timestamp()) * _SECOND, BigInteger)
