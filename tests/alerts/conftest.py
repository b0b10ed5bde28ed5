"""The installation of all tests of checks, and an account of its own for each."""

from collections.abc import Iterator

import pytest

from tests.alerts._seen import Desk, House, installed


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield the installation."""
    with installed(tmp_path_factory.mktemp("checks") / "data") as house:
        yield house


@pytest.fixture
def desk(house: House) -> Desk:
    """Return a new account."""
    return house.desk()
