"""An answer asked again by its own `known_at` has the same bytes, however far the clock has gone on
since, and whatever has come in, been edited and been compacted meanwhile.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tallybook import app
from tallybook.model.mark import minute_of, parse_mark
from tallybook.model.ports import NounName, SnapshotState
from tallybook.model.scope import Scope, operator
from tallybook.model.time import LAST_INSTANT
from tallybook.operations.define import Change, define
from tallybook.settings import Settings
from tallybook.web.api.positions import Narrowing, get_positions
from tallybook.web.services import Services
from tests.serving import Client, event

PRICE = {"model": "per_unit", "unit_amount": "0.01"}
NEW_YORK = {"timezone": "America/New_York"}
LAST_MINUTE = minute_of(LAST_INSTANT)
#: The customer's key asks the last ones; nobody moves in or out of its tree.
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "this month, by default": ("/usage", {"meter": "total", "account": "acme"}),
    "days": ("/usage", {"meter": "total", "interval": "day"}),
    "hours of a tree": (
        "/usage",
        {"meter": "total", "account": "acme", "interval": "hour", "from": "2026-03-30"},
    ),
    "each account": ("/usage", {"meter": "uses", "group_by": "account", "interval": "week"}),
    "a level": (
        "/usage",
        {"meter": "seats", "interval": "day", "from": "2026-03-20", "to": "2026-06-01"},
    ),
    "a range not over": (
        "/usage",
        {"meter": "uses", "interval": "month", "from": "2026-01-01", "to": "2027-01-01"},
    ),
    "facts": ("/events", {}),
    "facts of an account": ("/events", {"account": "acme", "from": "2026-03-01", "limit": "5"}),
    "facts nobody counts": ("/events", {"state": "unresolved"}),
    "all lines": ("/positions", {}),
    "lines of a tree": ("/positions", {"account": "acme", "sort": "projected"}),
    "a second page of some": (
        "/positions",
        {"status": "over,likely_over,low_use,ok", "limit": "2", "cursor": "p2"},
    ),
    "lines of a contract": ("/positions", {"contract": "C-eu"}),
    "lines then": ("/positions", {"at": "2026-03-20T12:00:00Z"}),
    "one line": ("/positions/C-pool/total", {}),
    "one line alone": ("/positions/C-pool/total", {"rollup": "false"}),
    "one line then": ("/positions/C-pool/total", {"at": "2026-02-20T12:00:00Z"}),
    "a line of a level": ("/positions/C-solo/seats", {}),
    "as a customer: lines": ("/positions", {}),
    "as a customer: days": ("/usage", {"meter": "uses", "interval": "day"}),
}
AT_AN_INSTANT = ("each account", "facts", "all lines", "one line")
FORECAST = {
    "period_start": "2026-03-01",
    "period_end": "2026-04-01",
    "data_through": "2026-03-12",
    "days": [{"date": f"2026-03-{day:02}", "quantity": f"{day}.5"} for day in range(1, 13)],
    "allotment": "100",
}


class Asked(NamedTuple):
    """A question with its `known_at`, None for as it stands, and what it was answered."""

    name: str
    known_at: str | None
    body: bytes

    @property
    def mark(self) -> str:
        """The mark that the answer carries."""
        found: str = json.loads(self.body)["known_at"]
        return found


@dataclass
class Story:
    """An installation whose clock is set by hand, and the answers that it has given."""

    settings: Settings
    client: Client
    customer: Client
    given: list[Asked] = field(default_factory=list)
    open: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Serve the installation; it tells the real time at first."""
        address = self.open.enter_context(app.running(self.settings))
        self.client.port = self.customer.port = urlsplit(address.url).port or 0
        self.client.until_visible()

    def start_anew(self) -> None:
        """Stop, lose the copy of the facts, and start again."""
        self.open.close()
        for part in self.settings.data.glob("events.duckdb*"):
            part.unlink()
        self.start()

    def set_clock(self, now: str) -> None:
        """Go to an instant and do all that is due, compaction as well."""
        self.client.until_visible()
        answer = self.client.call("PUT", "/test-clock", {"now": now})
        assert answer.status == 200, answer.body

    def ask(self, name: str, known_at: str | None = None) -> Asked:
        """Ask a question, as it stands now or as it was known then."""
        path, parameters = QUESTIONS[name]
        parameters = parameters if known_at is None else {**parameters, "known_at": known_at}
        client = self.customer if name.startswith("as a customer") else self.client
        answer = client.call("GET", path, **parameters)
        assert answer.status == 200, (name, answer.body)
        return Asked(name, known_at, answer.body)

    def ask_all(self, known_at: str) -> None:
        """Ask everything anew, some of it as known at an instant, and by the marks of the answers
        all that was ever answered.
        """
        for name in QUESTIONS:
            fresh = self.ask(name)
            self.given.append(fresh._replace(known_at=fresh.mark))
        for name in AT_AN_INSTANT:
            past = self.ask(name, known_at)
            self.given += [past, past._replace(known_at=past.mark)]
        self.ask_again()

    def ask_again(self) -> None:
        """Ask everything again that was ever answered."""
        for asked in self.given:
            assert self.ask(asked.name, asked.known_at) == asked


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    settings = Settings(data=tmp_path_factory.mktemp("clock") / "data", test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    client = Client(0, key)
    told = Story(settings, client, client)
    with told.open:
        told.start()
        told.set_clock("2026-03-30T20:10:00Z")
        set_up(client)
        bound = {"name": "solo", "role": "customer_viewer", "account": "solo"}
        secret = client.call("POST", "/keys", bound).json["secret"]
        told.customer = Client(client.port, secret)
        client.send(list(first_facts()))
        told.set_clock("2026-03-30T20:15:42.5Z")
        yield told


def set_up(client: Client) -> None:
    client.put("/accounts/acme", name="Acme", timezone="Europe/Berlin")
    client.put("/accounts/acme-eu", parent="acme", **NEW_YORK)
    client.put("/accounts/solo", timezone="Asia/Kolkata", day_start="03:00")
    client.put("/meters/total", event_type="use", aggregation="sum", property="n", unit="leads")
    client.put("/meters/uses", event_type="use", aggregation="count")
    client.put("/meters/users", event_type="use", aggregation="unique", property="who")
    client.put("/meters/seats", event_type="seat", aggregation="latest", property="n", kind="stock")
    agree(client, "C-pool", "acme", ("total", "users"), pooling="parent_pool")
    agree(client, "C-eu", "acme-eu", ("total", "uses"), timezone="Pacific/Auckland")
    agree(client, "C-solo", "solo", ("total", "seats"))


def agree(
    client: Client, number: str, account: str, meters: tuple[str, ...], **document: Any
) -> None:
    lines = [
        {"code": meter, "meter": meter, "allotment": {"quantity": "40"}, "price": PRICE}
        for meter in meters
    ]
    client.put(
        f"/contracts/{number}", account=account, start_date="2026-01-01", lines=lines, **document
    )


def first_facts() -> Iterator[dict[str, Any]]:
    for day in range(1, 31):
        for account in ("acme", "acme-eu", "solo"):
            time = f"2026-03-{day:02}T{day % 24:02}:30:00Z"
            data = {"n": f"{day}.25", "who": f"user-{day % 7}"}
            name = f"{account}-{day}"
            yield event(name, subject=account, time=time, data=data)
            yield event(f"seat-{name}", type="seat", subject=account, time=time, data=data)


@pytest.mark.thorough
def test_the_same_question_has_the_same_bytes_while_the_clock_goes_on(story: Story) -> None:
    client = story.client
    preview = client.call("POST", "/preview/forecast", FORECAST)
    story.ask_all("2026-03-30T20:15:42.4Z")

    story.set_clock("2026-03-30T20:15:50Z")  # the same minute: a fact, and nothing else is new
    client.send([event("now", time="2026-03-30T20:15:50Z", data={"n": 3, "who": "new"})])
    story.set_clock("2026-03-30T20:15:59Z")
    client.put("/accounts/acme-eu", parent="acme", name="EU", **NEW_YORK, valid_from="2026-03-31")
    story.set_clock("2026-03-31T03:50:00Z")  # hours: tomorrow in Berlin and Kolkata
    client.send([event("late", time="2026-03-02T10:00:00Z", data={"n": 700, "who": "late"})])
    story.set_clock("2026-03-31T04:10:00Z")  # and in New York, where the new name begins
    story.ask_all("2026-03-30T20:15:55Z")

    story.set_clock("2026-04-02T09:00:00Z")  # days: another period
    client.put("/accounts/acme", name="Renamed", timezone="Asia/Tokyo", valid_from="2026-01-01")
    agree(client, "C-eu", "acme-eu", ("total",), valid_from="2026-03-01")
    client.put("/accounts/acme-eu", **NEW_YORK, valid_from="2026-03-15")
    client.send([event("april", subject="acme-eu", time="2026-04-01T10:00:00Z", data={"n": 9})])
    story.set_clock("2026-04-02T09:01:00Z")
    story.ask_all("2026-04-02T08:59:59.999999Z")

    story.set_clock("2026-05-05T12:30:30Z")  # a month
    client.put("/meters/total", event_type="use", aggregation="max", property="n", unit="leads")
    client.put("/meters/more", event_type="seat", aggregation="count")
    assert client.call("DELETE", "/contracts/C-solo").status == 200
    client.send([event("may", subject="nobody"), event("seat", type="seat", subject="solo")])
    story.set_clock("2026-05-05T12:31:00Z")
    story.ask_again()

    story.start_anew()
    story.set_clock("2026-03-31T05:00:00Z")  # and back: what was once answered stays good
    assert client.call("POST", "/preview/forecast", FORECAST).body == preview.body
    marks = [asked for asked in story.given if asked.known_at == asked.mark]
    for asked in marks:
        assert story.ask(asked.name, asked.known_at) == asked


def test_an_answer_is_of_the_minute_it_was_asked_in_and_no_later(story: Story) -> None:
    story.set_clock("2026-07-01T10:00:00Z")
    first = story.ask("days")
    story.set_clock("2026-07-01T10:00:30Z")
    assert story.ask("days") == first
    story.set_clock("2026-07-01T10:01:00Z")
    assert story.ask("days") != first


def test_an_instant_that_is_yet_to_come_is_not_known(story: Story) -> None:
    story.set_clock("2026-08-01T10:00:00Z")
    answer = story.client.call("GET", "/events", known_at="2026-08-01T10:05:00Z")
    assert (answer.status, answer.json["code"]) == (422, "known_at_ahead")
    assert "2026-08-01T10:00:0" in answer.json["detail"]
    story.set_clock("2026-08-01T10:06:00Z")
    assert story.client.call("GET", "/events", known_at="2026-08-01T10:05:00Z").status == 200


@pytest.mark.parametrize("minute", [0, 1, LAST_MINUTE])
@pytest.mark.parametrize("name", QUESTIONS)
def test_the_ends_of_time_are_no_fault(story: Story, name: str, minute: int) -> None:
    newest = parse_mark(story.ask("facts").mark)
    path, parameters = QUESTIONS[name]
    known_at = replace(newest, minute=minute)
    answer = story.client.call("GET", path, **{**parameters, "known_at": known_at})
    assert answer.status in {200, 404, 422}, answer.body


class _MovesOn:
    """The snapshot of an installation; something happens between a look at it and its page."""

    def __init__(self, services: Services, happens: Callable[[], None]) -> None:
        self.page, self.walk = services.snapshot.page, services.snapshot.walk
        self.replace = services.snapshot.replace
        self.together = services.snapshot.together
        self.choices = services.snapshot.choices
        self._state = services.snapshot.state
        self._happens = happens

    def state(self, scope: Scope) -> SnapshotState | None:
        found = self._state(scope)
        self._happens()
        return found


@pytest.fixture
def still(tmp_path: Path) -> Iterator[app.Installation]:
    """Yield an installation in which nothing is loaded or refreshed but by `tick`."""
    settings = Settings(data=tmp_path / "data")
    app.initialise(settings, "admin@example.com")
    with closing(app.Installation(settings)) as installation:
        services = installation.services
        put(services, "meter", "uses", event_type="use", aggregation="count")
        put(services, "account", "acme")
        put(services, "account", "child", parent="acme")
        for account in ("acme", "child"):
            put_contract(services, account)
        services.tick()
        yield installation


def put(services: Services, noun: NounName, key: str, **document: Any) -> None:
    now = services.clock.now()
    change = Change(noun, key, document)
    define(operator(), services.books, services.directories, change, now)


def put_contract(services: Services, account: str) -> None:
    lines = [{"code": "L", "meter": "uses"}]
    put(services, "contract", account, account=account, start_date="2026-01-01", lines=lines)


def contracts(services: Services, **asked: str) -> list[str]:
    """List contracts, and see that the mark of the list says the same."""
    listed = get_positions(operator(), services, Narrowing(**asked)).body  # type: ignore[arg-type] # of a query, as texts
    found = json.loads(bytes(listed))
    then = Narrowing(**asked, known_at=found["known_at"])  # type: ignore[arg-type] # of a query, as texts
    again = get_positions(operator(), services, then)
    assert again.body == listed
    return [item["contract"] for item in found["items"]]


def test_a_list_is_all_of_one_mark_though_the_snapshot_moves_on_meanwhile(
    still: app.Installation,
) -> None:
    services = still.services

    def moves_away() -> None:
        put(services, "account", "child", name="It has moved", valid_from="2026-01-01")
        services.tick()

    moving = replace(services, snapshot=_MovesOn(services, moves_away))
    assert contracts(moving, account="acme") == ["acme", "child"]
    assert contracts(services, account="acme") == ["acme"]


def test_what_the_snapshot_does_not_know_yet_is_listed_all_the_same(
    still: app.Installation,
) -> None:
    put(still.services, "account", "new")
    assert contracts(still.services, account="new") == []
    put_contract(still.services, "new")
    for asked in ({"account": "new"}, {"contract": "new"}, {"account": "new", "contract": "new"}):
        assert contracts(still.services, **asked) == ["new"]
    assert contracts(still.services) == ["acme", "child"]
    still.services.tick()
    assert contracts(still.services) == ["acme", "child", "new"]


def test_a_list_before_the_first_refresh_is_worked_out(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    app.initialise(settings, "admin@example.com")
    with closing(app.Installation(settings)) as installation:
        put(installation.services, "meter", "uses", event_type="use", aggregation="count")
        put(installation.services, "account", "acme")
        put_contract(installation.services, "acme")
        assert contracts(installation.services) == ["acme"]
