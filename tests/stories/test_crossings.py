"""Each threshold that is crossed is told once: with events that come late and out of order, or take
away what others brought, over the turn of a month, and with ticks at once.
"""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.serving import event
from tests.stories.alerting import Desk, watched

STEPS = (50, 80, 100, 120)
DAY = timedelta(days=1)
TURN = datetime(2026, 4, 1, 7, tzinfo=UTC)
#: Events are of March and April, and a month is looked at until the second morning after its end.
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
SETTLES = 2 * DAY


class House(Desk):
    """The house, with accounts that include 100 each, and what is known of their use."""

    def begin(self, accounts: int) -> None:
        """Define the accounts, and subscribe."""
        self.used: Counter[tuple[str, str]] = Counter()
        self.crossed: dict[tuple[str, str, str], str] = {}
        self.loads: set[tuple[str, str, str]] = set()
        self.names = [f"x{i}" for i in range(accounts)]
        self.put("/meters/use", event_type="use", aggregation="sum", property="n")
        line = {"code": "u", "meter": "use", "allotment": {"quantity": "100"}}
        for name in self.names:
            self.put(f"/accounts/{name}")
            self.put(f"/contracts/{name}", account=name, start_date="2026-01-01", lines=[line])
        self.subscribed(check="allotment.threshold")

    def use(self, now: datetime, chance: random.Random) -> None:
        """Send events of the last three days, some of which take away."""
        sent = []
        for i, name in enumerate(chance.choices(self.names, k=len(self.names) // 2)):
            at = max(BEGIN, now - timedelta(hours=2) - chance.random() * 3 * DAY)
            data = {"n": chance.randint(-30, 60)}
            self.used[name, f"{at:%Y-%m}-01"] += data["n"]
            sent.append(event(f"{now:%j}-{i}", subject=name, time=at.isoformat(), data=data))
        self.send(sent)

    def cross(self, now: datetime) -> None:
        """Note what is crossed by now, and in which run it is to be told."""
        today = f"{now:%Y-%m-%d}"
        for (name, month), quantity in self.used.items():
            if month not in {f"{day:%Y-%m}-01" for day in (now, now - SETTLES)}:
                continue
            new = {(name, str(step), month) for step in STEPS if quantity >= step}
            new -= self.crossed.keys()
            self.crossed |= dict.fromkeys(new, today)
            if new:
                self.loads.add((name, month, today))

    def findings(self) -> Iterator[Any]:
        """Yield all that was ever found."""
        cursor: str | None = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = self.get(f"/findings?status=open&status=resolved&limit=500{more}")
            yield from page["items"]
            cursor = page["next_cursor"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with watched(tmp_path / "data", House) as house:
        yield house


@pytest.mark.parametrize(
    ("accounts", "days"), [(12, 20), pytest.param(150, 60, marks=pytest.mark.thorough)]
)
def test_each_crossing_is_told_once(house: House, accounts: int, days: int) -> None:
    chance = random.Random(accounts)
    house.begin(accounts)
    for day in range(-days // 2, days // 2):
        now = TURN + day * DAY
        house.at((now - timedelta(hours=1)).isoformat())
        house.use(now, chance)
        with ThreadPoolExecutor(2) as pool:
            [*pool.map(house.at, [now.isoformat()] * 2)]
        house.cross(now)
    found = [*house.findings()]
    told = {(one["account"], one["step"], one["period"]): one["said_at"][:10] for one in found}
    assert told == house.crossed
    acts = [
        (one["account"], one["period"], act["at"][:10])
        for one in found
        for act in house.get(f"/findings/{one['id']}")["history"]
        if act["act"] == "said"
    ]
    assert sorted(acts) == sorted(house.loads), "of several that one load crosses one is told"
    assert len({period for _, period, _ in acts}) > 1
    assert len(house.mails()) == len({day for *_, day in acts})
