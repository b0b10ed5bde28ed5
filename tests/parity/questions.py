"""Two hundred questions about usage, drawn by a seed: any meter, account, range, interval, zone,
grouping and filter, as known at some mark.
"""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tests.parity.world import ACCOUNTS, DIMENSIONS, METERS

COUNT = 200
_ZONES = [
    None, None, "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Europe/Berlin",
    "Pacific/Apia",
]  # fmt: skip
#: How many days may be asked for by an interval, so that most answers are not too long.
_DAYS = {None: 170, "hour": 9, "day": 40, "week": 120, "month": 170, "quarter": 170, "year": 400}
_FILTERS = [
    "channel:eq:sms", "channel:ne:web", "region:in:eu,us", "region:exists:true", "n:gt:2",
    "cost.kind:eq:a", "channel:eq:1", "n:lte:5",
]  # fmt: skip
#: Days around which clocks change, months end and the year begins.
_DAYS_OF_NOTE = [date(2025, 11, 2), date(2026, 3, 8), date(2026, 4, 5), date(2025, 12, 31)]


def questions(chance: random.Random, marks: Sequence[str]) -> list[dict[str, Any]]:
    """Draw the questions, as parameters of `GET /usage`."""
    return [_question(chance, marks) for _ in range(COUNT)]


def _question(chance: random.Random, marks: Sequence[str]) -> dict[str, Any]:
    interval = chance.choice([*_DAYS])
    days = chance.randint(1, _DAYS[interval])
    first = chance.choice(
        [date(2025, 10, 10) + timedelta(days=chance.randrange(170)), *_DAYS_OF_NOTE]
    ) - timedelta(days=chance.randrange(days))
    names = chance.sample(["account", *DIMENSIONS], chance.choice([0, 0, 1, 2]))
    found = {
        "meter": chance.choice([*METERS]),
        "account": chance.choice([None, "north", "south", *ACCOUNTS]),
        "from": _edge(chance, first),
        "to": _edge(chance, first + timedelta(days=days)),
        "interval": interval,
        "timezone": chance.choice(_ZONES),
        "group_by": names,
        "filter": chance.sample(_FILTERS, chance.choice([0, 0, 1, 2])),
        "rollup": chance.choice(["true", "true", "false"]),
        "known_at": chance.choice(marks),
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def _edge(chance: random.Random, day: date) -> str:
    """Write a local date, or an instant of its day."""
    return f"{day}T{chance.randrange(24):02}:30:00Z" if chance.random() < 0.2 else str(day)
