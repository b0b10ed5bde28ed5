"""How well each method of forecasting would have done on past periods of the user's own data.
Reads only; the methods and the judging of one period are in `positions`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import islice
from typing import Final

from tallybook.model.directory import Directory
from tallybook.model.errors import Invalid
from tallybook.model.limits import BACKTEST_PERIODS_MAX, BACKTEST_PERIODS_OF_ALL_MAX
from tallybook.model.ports import Events
from tallybook.model.position import Method
from tallybook.model.quantity import EXACT
from tallybook.model.scope import Scope
from tallybook.operations._compute import count
from tallybook.operations.position import Instants, reach, sees, spans_seen, whole
from tallybook.positions.pace import WEEKS
from tallybook.positions.position import Known, in_unit
from tallybook.positions.terms import Terms, terms
from tallybook.positions.trial import METHODS, Guess, Over, guesses
from tallybook.positions.use import Use

_MOMENT: Final = timedelta(microseconds=1)
_LOOKED_BACK: Final = WEEKS * 7
_PERCENT: Final = Decimal("0.000001")
_QUANTITY: Final = Decimal("1e-12")
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class BacktestQuery:
    """Whose past periods: an account's tree, a contract or one of its lines; `periods` of each."""

    account: str | None = None
    contract: str | None = None
    line: str | None = None
    periods: int = 3


@dataclass(frozen=True, slots=True)
class UnitError:
    """The mean absolute error of the forecasts in one unit, with 12 places."""

    unit: str
    forecasts: int
    mean_absolute_error: Decimal


@dataclass(frozen=True, slots=True)
class MethodScore:
    """How one method did. In percent, with 6 places: its mean absolute error, as a part of what
    was used, and how many outcomes lay in the range of 80 %. None where nothing was forecast.
    """

    method: Method
    forecasts: int
    mean_absolute_percentage_error: Decimal | None
    covered_percent: Decimal | None
    errors: tuple[UnitError, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """The score of every method over as many past periods; `has_more` says that some were left
    out.
    """

    periods: int
    has_more: bool
    methods: tuple[MethodScore, ...]


def backtest(
    scope: Scope, directory: Directory, events: Events, asked: BacktestQuery, when: Instants
) -> Backtest:
    """Forecast past periods of lines whose days add up, at the end of each of their days from the
    third to the last but one, and compare with what was used, as known now.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `account_not_found`, `contract_not_found`.
        Invalid: `periods_invalid`.
    """
    scope.require("read")
    if not 1 <= asked.periods <= BACKTEST_PERIODS_MAX:
        raise Invalid(
            "periods_invalid",
            f"periods is a number from 1 to {BACKTEST_PERIODS_MAX}.",
            field="periods",
            limit=BACKTEST_PERIODS_MAX,
            asked=asked.periods,
        )
    lines = _past(scope, directory, asked, when)
    some = list(islice(lines, BACKTEST_PERIODS_OF_ALL_MAX))
    known = Known(when.mark, when.refreshed_at)
    scores = {method: _Score() for method in METHODS}
    for line, use, _ in count(whole(scope), directory, events, some, known):
        over = _over(line, in_unit(line.item, use))
        for guess in guesses(over):
            scores[guess.method].add(line.unit, guess)
    methods = tuple(score.told(method) for method, score in scores.items())
    return Backtest(len(some), next(lines, None) is not None, methods)


class _Score:
    """Sums of one method's errors."""

    def __init__(self) -> None:
        self._covered = 0
        self._shares: list[Decimal] = []
        self._errors: dict[str, list[Decimal]] = {}

    def add(self, unit: str, guess: Guess) -> None:
        self._covered += guess.is_covered
        self._errors.setdefault(unit, []).append(guess.error)
        if guess.used > 0:
            self._shares.append(EXACT.divide(guess.error, guess.used))

    def told(self, method: Method) -> MethodScore:
        made = sum(map(len, self._errors.values()))
        with localcontext(EXACT):
            covered = _mean([Decimal(self._covered * 100)], made, _PERCENT)
            share = _mean([part * 100 for part in self._shares], len(self._shares), _PERCENT)
            errors = tuple(
                UnitError(unit, len(found), _mean(found, len(found), _QUANTITY) or _ZERO)
                for unit, found in sorted(self._errors.items())
            )
        return MethodScore(method, made, share, covered, errors)


def _mean(parts: Iterable[Decimal], count: int, places: Decimal) -> Decimal | None:
    if not count:
        return None
    return (sum(parts, _ZERO) / count).quantize(places, ROUND_HALF_UP).normalize(EXACT)


def _past(
    scope: Scope, directory: Directory, asked: BacktestQuery, when: Instants
) -> Iterator[Terms]:
    """Yield lines in the periods before today's, with the days that every method looks back to."""
    accounts = reach(scope, directory, asked.account, when.at)
    if asked.contract is not None:
        spans_seen(scope, directory, asked.contract, when.at)
    every = sorted(directory.ever("contract"))
    for number in every if asked.contract is None else [asked.contract]:
        for line in terms(directory, number, when.at, when.now):
            is_asked = asked.line is None or line.item.code == asked.line
            is_theirs = accounts is None or line.contract.account in accounts
            adds_up = line.nature == "additive"
            if is_asked and is_theirs and adds_up and sees(scope, line.contract, when.at):
                yield from _periods_before(directory, line, asked.periods, when)


def _periods_before(
    directory: Directory, line: Terms, periods: int, when: Instants
) -> Iterator[Terms]:
    for _ in range(periods):
        before = line.period.starts_at - _MOMENT
        standing = terms(directory, line.contract.number, before, when.now)
        found = next((one for one in standing if one.item.code == line.item.code), None)
        if found is None:
            return
        line = found
        yield replace(line, recent_days=line.period.days + _LOOKED_BACK)


def _over(line: Terms, use: Use) -> Over:
    days = {day: used or _ZERO for day, used in use.days.items()}
    first = max(line.first_day, min(days))
    return Over(line.period.start_date, line.period.end_date, first, days)
