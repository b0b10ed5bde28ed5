from decimal import Decimal

import pytest
from hypothesis import strategies as st

from tallybook.model.errors import Invalid
from tallybook.model.price import Billable, Part
from tallybook.pricing.package import parse
from tests.pricing.drawn import AMOUNTS, document

D = Decimal
DOCUMENTS = document(
    "package",
    package_size=st.sampled_from(["1", "10", "0.000000000001", "999999999999999999"]),
    package_amount=AMOUNTS,
    rounding=st.sampled_from(["up", "down"]),
)


@pytest.mark.parametrize(
    ("quantity", "up", "down"),
    [
        ("0", 0, 0),
        ("0.000000000001", 8, 0),
        ("99.5", 8, 0),
        ("100", 8, 8),
        ("101", 16, 8),
        ("301", 32, 24),
        ("999999999999999999.999999999999", 80_000_000_000_000_000, 79_999_999_999_999_992),
    ],
)
def test_each_package_begun_or_filled_costs(quantity: str, up: int, down: int) -> None:
    terms = {"package_size": "100", "package_amount": "8"}
    assert parse(terms).charge(Billable(D(quantity))) == up
    assert parse({**terms, "rounding": "down"}).charge(Billable(D(quantity))) == down


def test_its_part_counts_the_packages() -> None:
    price = parse({"model": "package", "package_size": "100", "package_amount": "8"})
    assert price.parts(Billable(D(301))) == (Part(0, D(301), None, D(8), D(32), count=4),)


def test_a_package_of_nothing_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        parse({"package_size": "0", "package_amount": "8"})
    assert refusal.value.facts["field"] == "package_size"
