"""The examples of docs/contracts.md, worked out: what is written there is what comes out."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest

from tallybook.formats import yaml
from tallybook.model.price import Billable
from tallybook.model.statement import Statement
from tallybook.positions.agreement import agreement
from tallybook.positions.needs import Need
from tallybook.positions.statement import Plan, statement
from tests.worlds import World

PAGE: Final = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text()
EXAMPLES: Final = re.findall(r"^```yaml\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
_ASKED: Final = "statement of "


def asked(example: Mapping[str, Any]) -> Iterator[tuple[date, Mapping[str, Decimal]]]:
    for name, amounts in example.items():
        if name.startswith(_ASKED):
            yield date.fromisoformat(name.removeprefix(_ASKED)), amounts


def rated(example: Mapping[str, Any], day: date) -> Statement:
    """Rate the period that holds a day."""
    world = World()
    world.put("contract", "C", account="a", **example["contract"])
    for changed in example.get("then", ()):
        world.put("contract", "C", account="a", **{**example["contract"], **changed})
    whole = agreement(world.directory, "C")
    span = whole.period_of(day)
    assert span is not None
    plan = Plan(world.directory, whole, [span])
    uses = {need: tuple(counted(need, example.get("use", {}))) for need in plan.needs}
    return statement(whole, plan.charges(uses)[span])


def counted(need: Need, use: Mapping[str, Mapping[str, Decimal]]) -> Iterator[Billable]:
    """Yield the running sum of a meter at each end: each day's use is at its noon."""
    for end in need.ends:
        noons = {
            datetime.combine(date.fromisoformat(day), time(12), UTC): day
            for day, meters in use.items()
            if need.meter in meters
        }
        found = [use[day][need.meter] for noon, day in noons.items() if need.start <= noon < end]
        yield Billable(Decimal(sum(found)))


def said(found: Statement) -> dict[str, Decimal]:
    charges = (*found.lines, *found.base_charges, *found.discounts, *found.commitments)
    amounts = {charge.code: charge.amount for charge in charges}
    return {**amounts, "subtotal": found.subtotal, "total": found.total}


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 9


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_come_out_as_they_are_written(text: str) -> None:
    (example,) = yaml.load(BytesIO(text.encode()))
    promised = list(asked(example))
    assert promised
    for day, amounts in promised:
        found = said(rated(example, day))
        assert {name: found[name] for name in amounts} == amounts, day
