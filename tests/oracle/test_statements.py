"""Statements of random contracts, asked through the front door, say what the oracle says."""

from collections.abc import Iterator

import time
import pytest

from tests.oracle.cases import case
from tests.oracle.door import differences, expected, installation, put, statements
from tests.serving import Client

CASES = 100


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with installation(tmp_path_factory.mktemp("oracle")) as running:
        yield running


def test_statements_of_random_contracts(client: Client) -> None:
    t = time.process_time()
    cases = [case(seed) for seed in range(CASES)]
    print("made", time.process_time() - t)
    t = time.process_time()
    put(client, cases)
    print("put", time.process_time() - t)
    t = time.process_time()
    exp = [e for c in cases for e in expected(c)]
    print("oracle", time.process_time() - t, len(exp))
    t = time.process_time()
    found = [(number, wanted, statements(client, number)) for number, wanted in exp]
    print("asked", time.process_time() - t)
    t = time.process_time()
    n = 0
    for number, wanted, made in found:
        if len(wanted) != len(made):
            print(
                number,
                len(made),
                len(wanted),
                [m["period"]["start_date"] for m in made],
                [str(w.start) for w in wanted],
            )
        for a, b in zip(made, wanted):
            n += 1
            d = differences(a, b)
            if d:
                print(number, b.start, d[:3])
    print("compared", n, time.process_time() - t)
