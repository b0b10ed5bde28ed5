"""The laws that every check keeps: what its file says of itself is there and fits, and what it
finds follows from what is looked at alone.
"""

import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_args

import pytest

from tallybook import alerts
from tallybook.alerts._check import check, codes, plain_values, read_values
from tallybook.model.check import Found, RepeatPolicy, Unjudged
from tallybook.model.directory import Directory
from tallybook.model.intake import Sent
from tallybook.model.mark import Mark
from tallybook.model.nouns import Meter
from tallybook.model.position import Position
from tallybook.model.schedule import PRESETS
from tallybook.model.statement import ClosedStatement, Statement
from tallybook.model.usage import Traffic
from tallybook.model.view import View
from tests.alerts._seen import Desk, House, installed
from tests.serving import event

T = TypeVar("T")
ROOM = Path(alerts.__file__).parent
TESTS = Path(__file__).resolve().parents[1] / "alerts"
LINES_MAX = 150
#: Checks and their variables as they were released: subscriptions name them, so none goes away.
RELEASED: dict[str, set[str]] = {
    "allotment.forecast_overage": {"percent"},
    "allotment.threshold": {"thresholds"},
    "balance.low": {"percent", "amount"},
    "billing.period_unbilled": {"days"},
    "commitment.shortfall": {"percent"},
    "contract.base_vs_coverage": {"low", "high", "tolerance_factor", "include_no_coverage"},
    "contract.billing_disabled": {"without"},
    "contract.changed": {"within", "fields"},
    "contract.expiring": {"days", "ended", "types"},
    "contract.no_minimum": {"days"},
    "contract.setup_incomplete": {"types"},
    "cycle.mismatch": set(),
    "group.mixed_types": set(),
    "group.zero_allowance": {"meters"},
    "hierarchy.invalid": set(),
    "ingest.rejected": {"percent", "duplicates", "hours", "least"},
    "invoice.imbalance": {"over", "under", "min_base", "min_units"},
    "invoice.jump": {"change", "periods"},
    "meter.covered_zero_billed": {"min_units"},
    "overage.started": {"amount"},
    "pool.share": {"thresholds", "share"},
    "prepaid.drawdown": {"thresholds"},
    "rate.change_upcoming": {"ahead"},
    "rate.credit_mismatch": set(),
    "rate.no_escalation": {"days", "types"},
    "rate.out_of_band": {"low", "high", "unit", "ahead"},
    "spend.threshold": {"amounts", "step"},
    "usage.anomaly": {"change", "volume"},
    "usage.feed_stale": {"looked_back", "silent"},
    "usage.late_restated": {"percent", "amount"},
    "usage.unpriced": {"looked_back"},
    "volume.trend": {"overage", "change", "periods"},
    "volume.under_minimum": {"under", "periods"},
}

every_check = pytest.mark.parametrize("code", codes())


@dataclass
class Shuffled:
    """A view that lists in another order what has none."""

    view: View
    seed: int

    @property
    def now(self) -> datetime:
        return self.view.now

    @property
    def mark(self) -> Mark:
        return self.view.mark

    @property
    def since(self) -> datetime:
        return self.view.since

    @property
    def directory(self) -> Directory:
        return self.view.directory

    @property
    def stale(self) -> str | None:
        return self.view.stale

    def accounts(self) -> Sequence[str]:
        return self._mixed(self.view.accounts())

    def contracts(self) -> Sequence[str]:
        return self._mixed(self.view.contracts())

    def positions(self) -> Iterator[Position]:
        return iter(self._mixed([*self.view.positions()]))

    def ended(self) -> Iterator[Position]:
        return iter(self._mixed([*self.view.ended()]))

    def closed(self, contracts: Collection[str]) -> list[ClosedStatement]:
        return self.view.closed(contracts)

    def running(
        self, contracts: Sequence[str], days: Mapping[str, date] | None = None
    ) -> Iterator[Statement]:
        return iter(self._mixed([*self.view.running(contracts, days)]))

    def over(self, days: Mapping[str, date]) -> Iterator[Statement | ClosedStatement]:
        return iter(self._mixed([*self.view.over(days)]))

    def traffic(self, since: datetime, followed: tuple[Meter, ...] = ()) -> list[Traffic]:
        return self._mixed(self.view.traffic(since, followed))

    def drawn(self, contracts: Collection[str]) -> Mapping[str, Decimal]:
        return dict(self._mixed([*self.view.drawn(contracts).items()]))

    def strangers(self, since: datetime) -> list[Traffic]:
        return self._mixed(self.view.strangers(since))

    def intake(self, since: datetime) -> list[tuple[Sent, int]]:
        return self._mixed(self.view.intake(since))

    def _mixed(self, some: Sequence[T]) -> list[T]:
        found = [*some]
        random.Random(self.seed).shuffle(found)
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with installed(tmp_path_factory.mktemp("laws") / "data") as house:
        yield house


@pytest.fixture(scope="module")
def empty(house: House) -> View:
    """Return what there is to see before anybody agreed on anything."""
    house.call("POST", "/tick")
    return house.view()


@pytest.fixture(scope="module")
def view(house: House, empty: View) -> View:
    """Return a view of accounts with much that is odd, each a little otherwise."""
    assert not empty.contracts()
    for i in range(1, 4):
        _fill(house.desk(), i)
    house.call("POST", "/tick")
    return house.view()


def _fill(desk: Desk, i: int) -> None:
    _define(desk, i)
    for month in (1, 2, 3):
        desk.use(f"2026-0{month}-10", 100 * i * month)
    for part in ("", "-p", "-zero"):
        desk.close(1, 2, 3, part=part)
    desk.use("2026-03-11", 77)
    desk.line("11", name="Another name", **_money(i))
    for day in range(10, 20):
        desk.use(f"2026-04-{day}", 200 * i, source=f"/source-{day % 2}")
    desk.use("2026-04-19", 5, subject=f"{desk.account}-child", type="unknown")
    desk.use("2026-04-19", i, subject=desk.account.upper())
    assert desk.house.send([event("bad", time="never")])["rejected"] == 1


def _define(desk: Desk, i: int) -> None:
    mixed, silent = f"{desk.account}-mixed", f"{desk.account}-silent"
    desk.house.put(f"/meters/{mixed}", event_type="use", aggregation="count", unit="calls")
    desk.house.put(f"/meters/{silent}", event_type="silent", aggregation="count")
    desk.house.put(f"/accounts/{desk.account}-child", parent=desk.account)
    base = {"name": "base", "amount": str(10 * i)}
    desk.agree(
        "-g",
        base_charges=[base],
        meter_groups=[
            _group("copies", mixed, i, credit_rate="2", overage_method="allow_with_credit"),
            _group("more", "calls", 1, covered_quantity="100"),
        ],
        rate_schedules=[{"name": "up", "applies_to": "base", "percent": "5", "every": 1}],
        billing={"enabled": False},
        end_date=f"2026-05-0{i}",
    )
    desk.house.put(f"/meters/{mixed}", event_type="use", aggregation="count", unit="uses")
    desk.line("10", **_money(i))
    desk.line("10", part="-p", pooling="parent_pool", base_charges=[base])
    desk.line(None, part="-free")
    term = {"quantity": "10", "cycle_unit": "term"}
    desk.agree(
        "-term",
        end_date="2027-12-31",
        lines=[{"code": "term", "meter": "calls", "allotment": term}],
    )
    allotment = {"quantity": "10"}
    desk.agree("-zero", lines=[{"code": "zero", "meter": silent, "allotment": allotment}])


def _money(i: int) -> dict[str, Any]:
    least = {"name": "least", "amount": str(100_000 * i)}
    return {"credits": [{"name": "paid", "amount": "1000"}], "commitments": [least]}


def _group(name: str, meter: str, rate: int, **more: str) -> dict[str, object]:
    meters = ["calls"] if meter == "calls" else ["calls", meter]
    return {"name": name, "meters": meters, "overage_rate": rate, **more}


def _judged(code: str, view: View) -> list[Found | Unjudged]:
    found = check(code)
    return [*found.find(view, read_values(found, {}))]


@every_check
def test_a_file_says_what_the_catalogue_tells(code: str) -> None:
    found = check(code)
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", code)
    file = ROOM / f"{code.replace('.', '_')}.py"
    text = file.read_text("utf-8")
    assert text.startswith(f'"""Check `{code}`: ')
    assert text.count("\n") <= LINES_MAX
    assert found.TITLE
    assert found.FINDS.endswith(".")
    assert found.TIPS
    assert all(tip.endswith(".") for tip in found.TIPS)
    assert found.POLICY in get_args(RepeatPolicy)
    assert found.SCHEDULE in PRESETS
    assert found.COLUMNS
    assert found.FINGERPRINT
    assert _is_once(column.key for column in found.COLUMNS)
    assert _is_once(variable.key for variable in found.VARIABLES)


@every_check
def test_a_check_has_its_own_tests(code: str) -> None:
    assert (TESTS / f"test_{code.replace('.', '_')}.py").exists()


@every_check
def test_related_checks_are_there_and_name_each_other(code: str) -> None:
    related = check(code).RELATED
    assert _is_once(related)
    assert code not in related
    for other in related:
        assert code in check(other).RELATED, f"{other} does not name {code}"


@every_check
def test_defaults_are_values_that_could_be_given(code: str) -> None:
    found = check(code)
    values = read_values(found, {})
    said = {key: value for key, value in plain_values(values).items() if value is not None}
    assert read_values(found, said) == values
    for variable in found.VARIABLES:
        assert variable.title
        assert variable.help.endswith(".")
        known = {other.key for other in found.VARIABLES}
        assert variable.below is None or variable.below in known
        assert (variable.of is not None) == (variable.kind == "list")
        assert bool(variable.choices) == (variable.kind == "choice")


@every_check
def test_where_nothing_is_agreed_nothing_is_found(code: str, empty: View) -> None:
    assert _judged(code, empty) == []


@every_check
def test_what_is_found_does_not_depend_on_an_order(code: str, view: View) -> None:
    found = sorted(_judged(code, view), key=repr)
    for seed in (1, 2):
        assert sorted(_judged(code, Shuffled(view, seed)), key=repr) == found


@every_check
def test_a_finding_is_known_by_its_entity_step_and_period(code: str, view: View) -> None:
    found = [one for one in _judged(code, view) if isinstance(one, Found)]
    assert _is_once((one.entity, one.step, one.period) for one in found)
    for one in found:
        assert {column.key for column in check(code).COLUMNS} <= {*one.inputs, *one.outputs}
        assert {*check(code).FINGERPRINT} <= {*one.inputs}


def test_the_accounts_looked_at_are_odd_enough(view: View) -> None:
    finding = {code for code in codes() if any(isinstance(o, Found) for o in _judged(code, view))}
    assert len(finding) >= 26, sorted(set(codes()) - finding)


def test_what_was_released_stays() -> None:
    for code, variables in RELEASED.items():
        assert variables <= {variable.key for variable in check(code).VARIABLES}
    assert {*codes()} == {*RELEASED}, "name the new check in RELEASED"


def _is_once(some: Iterator[object] | Sequence[object]) -> bool:
    found = [*some]
    return len(found) == len(set(found))
