"""What the parts of a charge say, one sentence each."""

from decimal import Decimal

import pytest

from tallybook.model.price import Billable, Piece
from tallybook.positions.charge import price_of
from tallybook.web.pages.explained import priced

D = Decimal
FEE = {"model": "percentage", "rate": "0.02", "fixed_amount": "0.30", "min": "0.50", "max": "20"}
TIERS = [{"up_to": "10", "unit_amount": "1", "flat_amount": "5"}, {"unit_amount": "0.5"}]


@pytest.mark.parametrize(
    ("price", "quantities", "sentences"),
    [
        ({"model": "flat", "amount": "500"}, ["7"], ["7 for $500.00."]),
        (
            {"model": "graduated", "tiers": TIERS},
            ["12"],
            ["10 × $1.00 + $5.00 = $15.00.", "2 × $0.50 = $1.00."],
        ),
        (
            {"model": "package", "package_size": "100", "package_amount": "8"},
            ["301"],
            ["301 for $32.00 (4 × $8.00)."],
        ),
        (
            FEE,
            ["1", "100", "200", "9999", "2"],
            [
                "300 × 2 % + 2 × $0.30 = $6.60.",
                "9,999 for $20.00 (the most: $20.00).",
                "3 for $1.00 (the least: 2 × $0.50).",
            ],
        ),
    ],
)
def test_each_part_says_what_it_multiplies_and_adds(
    price: dict[str, object], quantities: list[str], sentences: list[str]
) -> None:
    pieces = tuple(Piece(D(quantity)) for quantity in quantities)
    use = Billable(sum((piece.quantity for piece in pieces), D(0)), pieces)
    assert [priced(part, "USD") for part in price_of(price).parts(use)] == sentences
