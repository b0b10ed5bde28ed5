"""What was used: the questions lines put to the events, many lines in one call, and what the
answers say about each line. Asks nobody itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any, Final, Literal, NamedTuple

from tallybook.model.directory import Directory
from tallybook.model.position import DayUse
from tallybook.model.quantity import EXACT
from tallybook.model.usage import UsageCell, UsageQuery
from tallybook.positions.terms import Terms, fold_of

#: `days` are the days of the sheet. Where days do not add up, `period` and `to_date` ask for the
#: whole, and `accounts` for what each account of a pool has of it.
Asked = Literal["days", "period", "to_date", "accounts"]
_ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Use:
    """What one line used: in the period so far, until the last complete day, a day, an account.

    None is no value, as of a maximum of nothing.
    """

    so_far: Decimal | None
    to_date: Decimal | None
    days: dict[date, Decimal | None] = field(default_factory=dict)
    accounts: dict[str, Decimal | None] = field(default_factory=dict)

    def since(self, first: date) -> tuple[DayUse, ...]:
        """Return the days in order, from one day on."""
        return tuple(DayUse(day, used) for day, used in self.days.items() if day >= first)


def added(uses: Sequence[Use]) -> Use:
    """Return the sum of uses on the same days: those of the meters of a group."""
    if len(uses) == 1:
        return uses[0]
    with localcontext(EXACT):
        whole = Use(None, None)
        for use in uses:
            whole.so_far = _sum(whole.so_far, use.so_far)
            whole.to_date = _sum(whole.to_date, use.to_date)
            for day, used in use.days.items():
                whole.days[day] = _sum(whole.days.get(day), used)
            for account, used in use.accounts.items():
                whole.accounts[account] = _sum(whole.accounts.get(account), used)
    return whole


class _Column(NamedTuple):
    """A day of a sheet: its bucket, None for a day that a zone left out and that has no instant."""

    day: date
    bucket: int | None
    in_period: bool
    complete: bool


class Sheet:
    """Lines that share a meter, a period, a calendar and a day, counted in one call.

    Line i of `lines` is group i of its questions.
    """

    def __init__(self, directory: Directory, lines: Sequence[Terms]) -> None:
        """Cut the days once; lines that do not share `Terms.shared` do not belong together."""
        first = self._first = lines[0]
        self.lines = lines
        self._nature = first.nature
        self._empty = fold_of(first.meter.aggregation).EMPTY
        self._members = tuple(
            member for group, line in enumerate(lines) for member in line.members(directory, group)
        )
        starts = [first.calendar.start_of(day) for day in first.days]
        before = [first.counts_from] if first.carries else []
        self._edges = tuple(dict.fromkeys([*before, *starts, first.counts_to]))
        bucket_of = {start: i for i, start in enumerate(self._edges[:-1])}
        ends = [*starts[1:], first.counts_to]
        self._columns = [
            _Column(
                day,
                bucket_of[start] if start < end else None,
                day >= first.period.start_date,
                day <= first.last_day,
            )
            for day, start, end in zip(first.days, starts, ends, strict=True)
        ]

    def questions(self, seq: int) -> Iterator[tuple[Asked, UsageQuery]]:
        """Yield what is to be asked, as known at ledger position `seq`."""
        line = self._first
        adds = self._nature == "additive"
        yield "days", self._query(self._edges, seq, by_account=adds and line.pooled)
        since = line.counts_from if line.carries else line.period.starts_at
        if not adds and not line.carries:
            yield "period", self._query((since, line.counts_to), seq)
            if since < line.data_through < line.counts_to:
                yield "to_date", self._query((since, line.data_through), seq)
        if not adds and line.pooled:
            yield "accounts", self._query((since, line.counts_to), seq, by_account=True)

    def uses(self, answers: Mapping[Asked, Iterable[UsageCell]]) -> list[Use]:
        """Say what each line used, in the order of `lines`."""
        grids: list[dict[int, Decimal | None]] = [{} for _ in self.lines]
        shares: list[dict[str, Decimal | None]] = [{} for _ in self.lines]
        with localcontext(EXACT):
            inside = {column.bucket for column in self._columns if column.in_period}
            for cell in answers["days"]:
                _add(grids[cell.group], cell.bucket, cell.value)
                if cell.account is not None and cell.bucket in inside:
                    _add(shares[cell.group], cell.account, cell.value)
            for cell in answers.get("accounts", ()):
                _add(shares[cell.group], cell.account or "", cell.value)
            found = [self._use(*both) for both in zip(grids, shares, strict=True)]
        for cell in answers.get("period", ()):
            found[cell.group].so_far = cell.value
            if self._first.last_day >= self._first.today:
                found[cell.group].to_date = cell.value
        for cell in answers.get("to_date", ()):
            found[cell.group].to_date = cell.value
        return found

    def _query(
        self, edges: tuple[datetime, ...], seq: int, *, by_account: bool = False
    ) -> UsageQuery:
        return UsageQuery(self._first.meter, edges, seq, self._members, by_account=by_account)

    def _use(self, grid: Mapping[int, Decimal | None], shares: dict[str, Decimal | None]) -> Use:
        """Lay one line's buckets on the days, and add them up or carry them on."""
        carries, adds = self._first.carries, self._nature == "additive"
        value = grid.get(0) if carries else self._empty
        use = Use(value, value, {}, shares)
        for day, bucket, in_period, complete in self._columns:
            found = value if bucket is None else grid.get(bucket, value)
            use.days[day] = found
            if carries:
                value = use.so_far = found
            elif adds and in_period:
                use.so_far = (use.so_far or _ZERO) + (found or _ZERO)
            if complete and (carries or adds):
                use.to_date = use.so_far
        return use


def _add(values: dict[Any, Decimal | None], key: object, more: Decimal | None) -> None:
    """Add a value to those under a key."""
    values[key] = _sum(values.get(key), more)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the sum of two values; no value adds nothing."""
    return other if one is None else one if other is None else one + other
