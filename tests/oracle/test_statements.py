"""Statements of random contracts, asked through the front door, say what the oracle says, to the
cent and the unit; and what every statement must say of itself.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from tests.oracle.cases import ADDING, METERS, Case, case
from tests.oracle.door import Document, differences, expected, installation, put, statements
from tests.oracle.laws import broken
from tests.oracle.shrink import shrunk
from tests.serving import Client

pytestmark = pytest.mark.thorough

CASES = 300
MORE_CASES = 2_000
#: How many cases are put in at once.
AT_ONCE = 50


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with installation(tmp_path_factory.mktemp("oracle")) as running:
        yield running


@pytest.mark.parametrize("first", range(0, CASES, AT_ONCE))
def test_statements_of_random_contracts(client: Client, first: int) -> None:
    agree(client, [case(seed) for seed in range(first, first + AT_ONCE)])


@pytest.mark.long
@pytest.mark.parametrize("first", range(10_000, 10_000 + MORE_CASES, AT_ONCE))
def test_statements_of_more_random_contracts(client: Client, first: int) -> None:
    agree(client, [case(seed) for seed in range(first, first + AT_ONCE)])


def agree(client: Client, cases: Sequence[Case]) -> None:
    """Put cases in and compare; what does not agree is shown as small as it can be made."""
    put(client, cases)
    failing = [one for one in cases if list(faults(client, one))]
    if failing:
        small = shrunk(failing[0], lambda one: _fails(client, one))
        raise AssertionError(
            f"{len(failing)} of {len(cases)} cases, the first {failing[0].prefix}\n"
            + "\n".join(faults(client, small))
            + _told(small)
        )


def faults(client: Client, one: Case) -> Iterator[str]:
    """Yield where statements of a case are not what they should be."""
    for number, wanted in expected(one):
        made = statements(client, number)
        if len(made) != len(wanted):
            yield f"{number}: {len(made)} statements, not {len(wanted)}"
        for document, should in zip(made, wanted, strict=False):
            for fault in (*differences(document, should), *broken(document)):
                yield f"{number} {should.start}..{should.end}: {fault}"


def _fails(client: Client, one: Case) -> bool:
    put(client, [one])
    return any(True for _ in faults(client, one))


def _told(one: Case) -> str:
    world = one.world
    told = {"accounts": world.accounts, "contracts": world.contracts, "events": world.events}
    return f"\n{json.dumps(told, indent=1)}"


def test_what_the_tree_used_is_what_its_accounts_used(client: Client) -> None:
    """Children and the account's own are the parent's, for meters whose use adds up."""
    cases = [case(seed) for seed in range(20_000, 20_030)]
    put(client, cases)
    numbers = [f"{one.prefix}C" for one in cases]
    uses = [
        (document["timezone"], use)
        for number in numbers
        for document in statements(client, number)
        for line in document["lines"]
        for use in line["explanation"]["use"]
        if use["pooled"] and line["unit"] != "parcels" and {*use["meters"]} <= {*ADDING}
    ]
    assert len(uses) > 20
    for timezone, use in uses:
        span = {"from": use["start"], "to": use["end"], "timezone": timezone}
        rows = [
            row
            for meter in use["meters"]
            for row in client.usage(meter, account=use["account"], group_by="account", **span)[
                "rows"
            ]
        ]
        assert sum((Fraction(row["value"]) for row in rows), Fraction(0)) == Fraction(
            use["quantity"]
        )


def test_no_order_and_no_number_of_threads_changes_a_hash(tmp_path: Path) -> None:
    cases = [case(seed) for seed in range(30_000, 30_012)]
    assert {line["meter"] for line in _lines(cases) if "meter" in line} == set(METERS)
    with installation(tmp_path / "one") as client:
        put(client, cases)
        hashes = [_hashes(client, cases, threads) for threads in (1, 2, 4)]
    with installation(tmp_path / "other") as client:
        put(client, _shuffled(cases))
        hashes.append(_hashes(client, cases, 1))
    assert len(hashes[0]) > 30
    assert all(found == hashes[0] for found in hashes)


def _hashes(client: Client, cases: Sequence[Case], threads: int) -> dict[tuple[str, str], str]:
    numbers = [number for one in cases for number in one.world.contracts]
    with ThreadPoolExecutor(threads) as pool:
        made = pool.map(lambda number: statements(client, number), numbers)
        return {
            (number, document["period"]["start_date"]): document["sha256"]
            for number, documents in zip(numbers, made, strict=True)
            for document in documents
        }


def _shuffled(cases: Sequence[Case]) -> list[Case]:
    """Return the cases in another order, with their events and definitions in another order."""
    random, found = Random(1), [*cases]
    random.shuffle(found)
    for one in found:
        world = one.world
        random.shuffle(world.events)
        world.accounts = dict(reversed(world.accounts.items()))
        world.contracts = dict(reversed(world.contracts.items()))
    return found


def _lines(cases: Sequence[Case]) -> Iterator[Document]:
    for one in cases:
        for versions in one.world.contracts.values():
            yield from (line for version in versions for line in version["lines"])
