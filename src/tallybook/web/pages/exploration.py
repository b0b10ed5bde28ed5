"""The drill-down's selectors: account, interval, range, zone and group. They change the chart and
its breakdown only; the billing period's numbers stay those of the contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from tallybook.model.buckets import Interval
from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.model.time import parse_date
from tallybook.operations import portfolio
from tallybook.operations import position as position_op
from tallybook.operations import usage as usage_op
from tallybook.positions.periods import add_months
from tallybook.web.pages import charted
from tallybook.web.pages import format as words
from tallybook.web.pages.frame import carried
from tallybook.web.pages.view import ChartPoint, ChartView, Contribution, Custom, Option, Select
from tallybook.web.services import Services

#: The names that the selectors have in an address.
NAMES: Final = frozenset({"account", "interval", "group", "then", "zone"})
_INTERVALS: Final[dict[str, str]] = {
    "hour": "Hourly",
    "day": "Daily",
    "week": "Weekly",
    "month": "Monthly",
    "quarter": "Quarterly",
    "year": "Yearly",
}
_ORDER: Final[tuple[Interval, ...]] = get_args(Interval)
_KINDS: Final[dict[str, Literal["cumulative", "daily", "table"]]] = {
    "": "daily",
    "cumulative": "cumulative",
    "table": "table",
}
_VIEWS: Final = {"": "Columns", "table": "Table"}
_RUNNING: Final = {"": "Columns", "cumulative": "Cumulative", "table": "Table"}
_BUCKETS_MAX: Final = 400  # more columns than a screen has room for
_GROUPS_SHOWN: Final = 9
_DAY: Final = timedelta(days=1)
_ZERO: Final = Decimal(0)
_ADDING: Final = frozenset({"sum", "count", "increase"})


class _Rolling(NamedTuple):
    """A range that ends today, and the interval it is usually cut by."""

    months: int
    interval: Interval


_ROLLING: Final = {"3m": _Rolling(3, "week"), "12m": _Rolling(12, "month")}


@dataclass(frozen=True, slots=True)
class Exploration:
    """What the selectors say. `first` and `last` are local days, both inside; without `account`
    the whole line is meant. `is_custom` is a range of one's own, `is_rolling` one that ends today;
    `is_asked` is False when all are as they were.
    """

    interval: Interval
    zone: str
    first: date
    last: date
    groups: tuple[str, ...] = ()
    account: str | None = None
    is_custom: bool = False
    is_rolling: bool = False
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Explored:
    """The line that is explored, its directory, zone and who belongs to it."""

    scope: Scope
    service: Services
    directory: Directory
    found: Position
    when: position_op.Instants
    zone: str
    pooled: bool

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return what use can be grouped by."""
        meter = self.directory.meter(self.found.meter)
        return (*(("account",) if self.pooled else ()), *(meter.dimensions if meter else ()))

    @property
    def zones(self) -> tuple[str, ...]:
        """Return the zones that its accounts live in, its own first."""
        accounts = (self.directory.account(part.account) for part in self.found.contributions)
        others = sorted({account.timezone for account in accounts if account})
        return tuple(dict.fromkeys((self.zone, *others, "UTC")))

    def read(self, query: Mapping[str, str]) -> Exploration:
        """Read the selectors of an address; what cannot be read is as if not said."""
        period = self.found.period
        first, last = period.start_date, period.end_date - _DAY
        period_asked = query.get("period", "")
        rolling = _ROLLING.get(period_asked)
        is_custom = period_asked == "custom"
        interval = _interval(query.get("interval"), rolling.interval if rolling else "day")
        zone = next((z for z in self.zones if z == query.get("zone")), self.zone)
        wanted = (query.get("group"), query.get("then"))
        groups = tuple(dict.fromkeys(name for name in wanted if name in self.dimensions and name))
        members = [part.account for part in self.found.contributions]
        account = next((key for key in members if key == query.get("account")), None)
        asked = _range(query) if is_custom else self._months(zone, rolling) if rolling else None
        is_asked = bool(asked or groups or account or interval != "day" or zone != self.zone)
        first, last = asked or (first, last)
        return Exploration(
            interval,
            zone,
            first,
            last,
            groups,
            account,
            is_custom and asked is not None,
            rolling is not None,
            is_asked,
        )

    def _months(self, zone: str, rolling: _Rolling) -> tuple[date, date]:
        """Return the days of the last months, until today."""
        today = self.when.now.astimezone(ZoneInfo(zone)).date()
        return add_months(today, -rolling.months) + _DAY, today

    def selects(self, asked: Exploration) -> tuple[Select, ...]:
        """Return the selectors."""
        names = {part.account: self._name(part.account) for part in self.found.contributions}
        groups = {name: name.replace("_", " ").capitalize() for name in self.dimensions}
        group, then = (*asked.groups, "", "")[:2]
        rest = {name: label for name, label in groups.items() if name != group}
        found = [
            _select("Account", "account", {"": "All"} | names, asked.account or ""),
            _select("Interval", "interval", _INTERVALS, asked.interval),
            _select("Group by", "group", {"": "None"} | groups, group),
            _select("Then by", "then", {"": "None"} | rest, then),
            _select("Zone", "zone", {z: words.place(z) for z in self.zones}, asked.zone),
        ]
        wanted = (bool(asked.account), True, bool(groups), bool(group and rest), True)
        return tuple(one for one, is_wanted in zip(found, wanted, strict=True) if is_wanted)

    def custom(self, query: Mapping[str, str], asked: Exploration) -> Custom:
        """Return the form for a range of one's own."""
        left = {"period", "from", "until"}
        kept = tuple((n, v) for n, v in carried(query).items() if n not in left)
        return Custom(asked.first, asked.last, asked.is_custom, kept)

    def chart(self, asked: Exploration, view: str, link: charted.LinkTo) -> ChartView:
        """Return the chart of what is asked."""
        offered = _RUNNING if self._runs(asked) else _VIEWS
        view = view if view in offered else ""
        note, points = self._note(asked), []
        running = _ZERO
        try:
            for row in self._usage(asked, asked.interval):
                local = row.start.astimezone(ZoneInfo(asked.zone)).replace(tzinfo=None)
                start = local if asked.interval == "hour" else local.date()
                used = row.value or _ZERO
                running = EXACT.add(running, used)
                points.append(ChartPoint(start, used, running if self._runs(asked) else None))
        except Invalid as e:
            note = e.detail
        if len(points) > _BUCKETS_MAX:
            note = (
                f"That is {words.number(len(points))} columns; choose a longer interval or fewer "
                "days."
            )
            points = []
        return ChartView(
            f"{_INTERVALS[asked.interval]} usage",
            _KINDS[view],
            charted.views(offered, view, link),
            self.found.unit,
            tuple(points),
            portfolio.available(self.found) if view == "cumulative" else None,
            interval=asked.interval,
            note=note,
        )

    def _runs(self, asked: Exploration) -> bool:
        """Tell whether buckets add up to the use of the period, as its own allotment counts it."""
        period = self.found.period
        whole = (asked.first, asked.last) == (period.start_date, period.end_date - _DAY)
        return whole and asked.account is None and asked.zone == self.zone and self._adds

    @property
    def _adds(self) -> bool:
        meter = self.directory.meter(self.found.meter)
        return meter is not None and meter.aggregation in _ADDING and meter.kind == "flow"

    def heading(self, asked: Exploration) -> str:
        """Return what the breakdown is by."""
        return "By " + " and ".join(name.replace("_", " ") for name in asked.groups)

    def breakdown(self, asked: Exploration) -> tuple[Contribution, ...]:
        """Return the use of each group, the largest first; beyond nine they are one."""
        try:
            rows = self._usage(asked, None, asked.groups)
        except Invalid:
            return ()
        adds = self._adds
        used = sorted(
            ((self._title(row.group), row.value or _ZERO) for row in rows),
            key=lambda one: (-one[1], one[0]),
        )
        with localcontext(EXACT):
            whole = sum((value for _, value in used), _ZERO)
            rest = sum((value for _, value in used[_GROUPS_SHOWN:]), _ZERO)
            shown = used[:_GROUPS_SHOWN] if adds else used[: 2 * _GROUPS_SHOWN]
            if adds and len(used) > _GROUPS_SHOWN:
                shown.append((f"{len(used) - _GROUPS_SHOWN} others", rest))
            return tuple(
                Contribution(name, value, value / whole * 100 if adds and whole else None)
                for name, value in shown
            )

    def _usage(
        self, asked: Exploration, interval: Interval | None, groups: tuple[str, ...] = ()
    ) -> Sequence[usage_op.UsageRow]:
        today = self.when.now.astimezone(ZoneInfo(asked.zone)).date()
        last = max(min(asked.last, today), asked.first)
        request = usage_op.UsageRequest(
            self.found.meter,
            asked.account or self.found.account,
            asked.first.isoformat(),
            (last + _DAY).isoformat(),
            interval,
            asked.zone,
            groups,
            rollup=self.pooled and asked.account is None,
        )
        return usage_op.usage(
            self.scope,
            self.directory,
            self.service.events,
            request,
            mark=self.when.mark,
            now=self.when.now,
        ).rows

    def _note(self, asked: Exploration) -> str:
        whose = f"{self._name(asked.account)}, own usage, " if asked.account else ""
        days = words.span(asked.first, asked.last)
        return (
            f"Chart: {whose}{days}, {words.place(asked.zone)} time. The sentence above and the "
            "tables are of the billing period."
        )

    def _name(self, key: str) -> str:
        account = self.directory.account(key)
        return account.title if account else key

    def _title(self, group: Mapping[str, str | None]) -> str:
        return ", ".join(
            "none" if value is None else self._name(value) if name == "account" else value
            for name, value in group.items()
        )


def _interval(text: str | None, usual: Interval) -> Interval:
    return next((known for known in _ORDER if known == text), usual)


def _range(query: Mapping[str, str]) -> tuple[date, date] | None:
    try:
        first, last = (parse_date(query.get(name, ""), name=name) for name in ("from", "until"))
    except Invalid:
        return None
    return (first, last) if first <= last < date.max else None


def _select(label: str, name: str, options: Mapping[str, str], chosen: str) -> Select:
    return Select(label, name, tuple(Option(v, text, v == chosen) for v, text in options.items()))
