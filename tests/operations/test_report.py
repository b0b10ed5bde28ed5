"""Making pages beside each other and beside the snapshot: once, and of what is known by then."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tallybook import app
from tallybook.model.delivery import Delivery, DeliveryQuery
from tallybook.model.errors import Unavailable
from tallybook.model.mark import parse_mark
from tallybook.model.ports import SnapshotState
from tallybook.model.scope import Scope, operator
from tallybook.operations import define, report_schedules
from tallybook.operations.portfolio import Past
from tallybook.operations.report import report
from tallybook.settings import Settings
from tallybook.web.services import Services

MONDAY = datetime(2026, 3, 2, 6, tzinfo=UTC)
SEVEN = MONDAY + timedelta(hours=1)
DAY = timedelta(days=1)
ADMIN = Scope("admin@example.com", "admin")
ALL = operator("test")


@contextmanager
def house(folder: Path) -> Iterator[Services]:
    """Open an installation whose loops do not run: nothing is refreshed but when we say so."""
    settings = Settings(data=folder, test_clock=True)
    app.initialise(settings, ADMIN.who)
    installation = app.Installation(settings)
    try:
        services = installation.services
        services.clock.set(MONDAY)
        lines = [{"code": "total", "meter": "total"}]
        put(services, "meter", "total", event_type="use", aggregation="count")
        put(services, "account", "acme")
        put(services, "contract", "C-1", account="acme", start_date="2026-01-01", lines=lines)
        services.tick()
        yield services
    finally:
        installation.close()


def put(services: Services, noun: Any, key: str, **body: Any) -> None:
    change = define.Change(noun, key, body, None)
    define.define(ADMIN, services.books, services.directories, change, MONDAY)


def subscribe(services: Services, query: str = "") -> None:
    report_schedules.subscribe(
        ADMIN,
        services.schedules,
        services.people,
        services.directories.current(ADMIN),
        {"page": "/volume", "query": query},
        MONDAY,
    )


def mails(services: Services) -> tuple[Delivery, ...]:
    return services.deliveries.page(ALL, DeliveryQuery(MONDAY)).items


def test_four_that_decide_at_once_make_one(tmp_path: Path) -> None:
    with house(tmp_path / "data") as services, ThreadPoolExecutor(4) as pool:
        for query in ("", "q=acme", "period=last"):
            subscribe(services, query)
        for days in range(3):
            together = Barrier(4)

            def decide(now: datetime, together: Barrier = together) -> int:
                together.wait()
                return report(services.reported, now)

            assert sum(pool.map(decide, [SEVEN + days * DAY] * 4)) == 3
        assert len(mails(services)) == 3 * 3


def test_a_snapshot_of_now_is_taken(tmp_path: Path) -> None:
    with house(tmp_path / "data") as services:
        subscribe(services)
        report(services.reported, SEVEN)
        (mail,) = mails(services)
        state = services.snapshot.state(ALL)
        assert state is not None
        assert mail.numbers["known_at"] == str(state.mark)
        assert "Data through: 2026-03-02 00:00" in mail.body


@pytest.mark.parametrize(
    ("name", "now", "said"),
    [
        ("acme", SEVEN + DAY, "Data through: 2026-03-03 00:00"),
        ("The new name", SEVEN, "Account: The new name"),
    ],
)
def test_a_snapshot_that_is_behind_is_not_taken_for_now(
    tmp_path: Path, name: str, now: datetime, said: str
) -> None:
    """It is of yesterday, or knows less: the page is worked out instead."""
    with house(tmp_path / "data") as services:
        state = services.snapshot.state(ALL)
        if name != "acme":
            put(services, "account", "acme", name=name)
        subscribe(services)
        report(services.reported, now)
        (mail,) = mails(services)
        assert said in mail.body
        assert services.snapshot.state(ALL) == state, "nothing was refreshed"


def test_a_snapshot_begun_when_it_was_due_is_taken_though_more_is_known_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While facts come in there is always more; the mail and its link say the snapshot's mark."""
    with house(tmp_path / "data") as services:
        put(services, "account", "acme", name="The new name")
        services.clock.set(SEVEN)
        services.tick()
        put(services, "account", "acme", name="A newer name")
        subscribe(services)
        monkeypatch.delattr(Past, "at")  # where lines stand is not worked out
        report(services.reported, SEVEN + timedelta(seconds=20))
        (mail,) = mails(services)
        state = services.snapshot.state(ALL)
        assert state is not None
        assert state.mark.now == SEVEN
        assert mail.numbers["known_at"] == str(state.mark)
        assert f"known_at={state.mark}" in mail.link
        assert "The new name" in mail.body


def test_a_snapshot_of_yesterday_is_not_taken_for_a_time_that_was_missed(tmp_path: Path) -> None:
    with house(tmp_path / "data") as services:
        services.clock.set(SEVEN)
        services.tick()
        subscribe(services)
        report(services.reported, SEVEN + timedelta(hours=18))
        (mail,) = mails(services)
        assert "Data through: 2026-03-03 00:00" in mail.body


def test_a_snapshot_that_knows_what_is_not_loaded_here_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has written it, and what it moves on from could not be worked out here."""
    with house(tmp_path / "data") as services:
        put(services, "account", "acme", name="The new name")
        services.clock.set(SEVEN)
        services.tick()
        subscribe(services)
        state = services.snapshot.state(ALL)
        assert state is not None
        ahead = replace(state, mark=replace(state.mark, seq=state.mark.seq + 1))
        monkeypatch.setattr(type(services.snapshot), "state", lambda *_: ahead)
        report(services.reported, SEVEN + timedelta(minutes=1))
        (mail,) = mails(services)
        assert parse_mark(mail.numbers["known_at"]).seq == state.mark.seq


def test_a_store_that_does_not_answer_leaves_it_to_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house(tmp_path / "data") as services:
        subscribe(services)

        def down(*_: object) -> SnapshotState:
            raise Unavailable("books_unavailable", "It is down.")

        with monkeypatch.context() as patch:
            patch.setattr(type(services.snapshot), "page", down)
            with pytest.raises(Unavailable):
                report(services.reported, SEVEN)
        assert mails(services) == ()
        assert report(services.reported, SEVEN + timedelta(minutes=1)) == 1
