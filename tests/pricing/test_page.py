"""`docs/prices.md` says what prices charge: each of its numbers is worked out here."""

import json
import re
from decimal import Decimal
from pathlib import Path

from tallybook import pricing
from tallybook.model.kinds import names
from tallybook.model.price import Billable, Piece
from tallybook.model.scope import operator
from tallybook.operations.preview_charge import preview_charge
from tallybook.positions.charge import price_of

PAGE = (Path(__file__).parents[2] / "docs/prices.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```\n\n\| (\w+) .*?\n\|[-|]+\n(.*?)\n\n", PAGE, re.DOTALL)


def test_every_model_has_its_section() -> None:
    assert set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)) == set(names(pricing))


def test_every_number_of_a_table_is_what_comes_out() -> None:
    checked = 0
    for document, of, table in EXAMPLES:
        price = price_of(json.loads(document))
        for row in table.splitlines():
            amounts, promised = re.findall(r"[^|]+", row)[:2]
            pieces = tuple(Piece(Decimal(amount.strip())) for amount in amounts.split(","))
            use = Billable(
                sum((piece.quantity for piece in pieces), Decimal(0)),
                pieces if of == "events" else None,
            )
            assert price.charge(use) == Decimal(promised.strip()), (document, row)
            checked += 1
    assert checked >= 30


def test_a_matrix_and_what_follows_the_price() -> None:
    documents = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    matrix, whole = json.loads(documents[-2]), json.loads(documents[-1])
    slow = {"quantity": 100, "properties": {"region": "eu", "class": "slow"}}
    fast = {"quantity": 5, "properties": {"region": "asia", "class": "fast"}}
    asked = {"price": matrix, "events": [slow, fast]}
    assert preview_charge(operator(), asked).amount == Decimal("2.50")
    assert str(preview_charge(operator(), whole).amount) == "350.00"
