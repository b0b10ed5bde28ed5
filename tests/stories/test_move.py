"""A folder moved into PostgreSQL: the same answers byte for byte, whatever stops it on its way; and
no moment in which both may be served.
"""

import copy
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pytest

from tallybook import app
from tallybook.cli import main
from tallybook.cli._exit import ExitCode
from tallybook.model.errors import TallybookError
from tallybook.model.scope import operator
from tallybook.operations.guesses import Guesses
from tallybook.operations.identify import Attempt, sign_in
from tallybook.operations.ingest import Receipt, ingest
from tallybook.operations.move import Moving
from tallybook.settings import Settings
from tallybook.stores.ledger.shared import Shared
from tallybook.stores.ledger.store import SqlLedger
from tallybook.stores.postgresql import address, shown
from tests import chdb, postgres
from tests.documented import Documented
from tests.serving import Client
from tests.serving import event as fact

pytestmark = [pytest.mark.postgres, pytest.mark.thorough]

ALL = operator("test")
EMAIL = "admin@example.com"
SPAN = {"from": "2026-03-01", "to": "2026-04-01"}
DAYS = {**SPAN, "interval": "day"}
#: When a key was last used: that is now.
USED = re.compile(rb'"used_at":"[^"]*"')


class Folder:
    """A folder in which something of everything is, and what it answers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings = Settings(data=path)
        self.key = str(app.initialise(self.settings, EMAIL)["api_key"])
        with self.served(self.settings) as server:
            fill(server)
            self.questions = questions(server)
            self.answers = answers(server, self.questions)

    @contextmanager
    def served(self, settings: Settings) -> Iterator[Client]:
        """Serve what settings name."""
        with app.running(settings) as address:
            yield Documented(urlsplit(address.url).port or 0, self.key)


def fill(server: Client) -> None:
    server.put("/accounts/acme", name="Acme", timezone="Europe/Berlin")
    server.put("/accounts/acme-eu", parent="acme")
    server.put("/accounts/acme", name="Acme Ltd", timezone="Europe/Berlin", reason="renamed")
    server.put("/meters/uses", event_type="use", aggregation="count", dimensions=["channel"])
    server.put("/meters/total", event_type="use", aggregation="sum", property="n")
    server.put("/meters/users", event_type="use", aggregation="unique", property="user")
    line = {
        "code": "total",
        "meter": "total",
        "allotment": {"quantity": "100"},
        "price": {"model": "per_unit", "unit_amount": "0.01"},
    }
    server.put("/contracts/C-1", account="acme", start_date="2026-01-01", lines=[line])
    server.put("/users/a@b.example", role="admin", password="a long enough one")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    fields = b"email=a@b.example&password=a long enough one"
    assert server.ask("POST", "/sign-in", fields, form).status == HTTPStatus.SEE_OTHER
    ended = server.call("POST", "/keys", {"name": "ended", "role": "ingest"}).json
    assert server.call("DELETE", f"/keys/{ended['id']}").status in {200, 204}
    for hour in range(20):
        receipt = server.send([use(hour, n) for n in range(50)])
        assert receipt["accepted"] == 50
    again = server.send([use(3, 3), {**use(4, 4), "data": {"n": "other"}}])
    assert (again["duplicate"], again["conflict"]) == (1, 1)
    server.send([fact("lost", type="unheard"), fact("who", subject="nobody")])
    wrong = {"source": "/test", "id": "e5-5", "reason": "sent by mistake"}
    assert server.call("POST", "/events/void", wrong).json["accepted"] == 1
    server.until_visible()
    closing = {"period": "2026-03-10", "release": True, "reason": "looked at"}
    assert server.call("POST", "/statements/C-1/close", closing).status == 200
    assert server.call("POST", "/tick", {}).status == 200


def use(hour: int, n: int) -> dict[str, object]:
    data = {"n": f"{n}.25", "user": f"u{n % 7}", "channel": ["sms", "web"][n % 2], "note": "\x00é"}
    return fact(
        f"e{hour}-{n}",
        subject=["acme", "acme-eu"][n % 3 == 0],
        time=f"2026-03-{1 + n % 28:02}T{hour:02}:30:00Z",
        data=data,
    )


def questions(server: Client) -> list[tuple[str, dict[str, Any]]]:
    """Return paths and parameters that name a mark, so that their answers may not change."""
    mark = server.usage("uses", account="acme", **SPAN)["known_at"]
    known = {"known_at": mark}
    return [
        *(("/usage", {"meter": m, **DAYS, **known}) for m in ("uses", "total", "users")),
        ("/usage", {"meter": "uses", "account": "acme", "group_by": "channel", **DAYS, **known}),
        ("/positions", known),
        ("/positions/C-1/total", known),
        ("/statements/C-1", {"period": "2026-03-10", **known}),
        ("/statements", {"contract": "C-1", **known}),
        ("/events", {"limit": "500", **known}),
        ("/events", {"state": "unresolved", **known}),
        ("/accounts/acme/history", {}),
        ("/contracts", {}),
        ("/users", {}),
        ("/keys", {}),
    ]


def answers(server: Client, asked: list[tuple[str, dict[str, Any]]]) -> list[bytes]:
    found = [server.call("GET", path, **parameters) for path, parameters in asked]
    assert {answer.status for answer in found} == {200}, [a.body for a in found]
    return [USED.sub(b"", answer.body) for answer in found]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("made") / "data")


@pytest.fixture
def folder(made: Folder, tmp_path: Path) -> Folder:
    """Return a folder of a test's own."""
    return copied(made, tmp_path / "data")


def copied(folder: Folder, path: Path) -> Folder:
    shutil.copytree(folder.path, path)
    mine = copy.copy(folder)
    mine.path, mine.settings = path, Settings(data=path)
    return mine


@pytest.fixture
def goal(tmp_path: Path) -> str:
    return postgres.database(tmp_path)


def at(folder: Folder, goal: str, **more: str) -> Settings:
    return Settings.model_validate({"data": folder.path, "database_url": goal, **more})


def move(folder: Folder, goal: str, *, steps: int = -1, before: str | None = None) -> Moving:
    """Move to the end, or up to a step, or until a stage is about to begin."""
    with app.moving(at(folder, goal)) as moving:
        for stage in moving.stages():
            if stage.name == before:
                break
            for _ in stage.steps:
                steps -= 1
                if not steps:
                    return moving
    return moving


def refusal(work: Callable[[], object]) -> TallybookError:
    with pytest.raises(TallybookError) as found:
        work()
    return found.value


def open_and_close(settings: Settings) -> None:
    with app.running(settings):
        pass


def run(goal: str, *statements: str) -> list[Any]:
    """Do something to the database behind everybody's back; return what the last one found."""
    with psycopg.connect(goal) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_every_answer_is_the_same_byte_for_byte(folder: Folder, goal: str) -> None:
    found = move(folder, goal).found
    assert found["ledger"]["events"] == 1003
    assert found["events"]["types"] == {"unheard": 1, "use": 1001}
    assert found["books"]["app_user"]["rows"] == 2
    with folder.served(at(folder, goal)) as server:
        assert answers(server, folder.questions) == folder.answers
        again = server.send([use(3, 3), {**use(4, 4), "data": {"n": "other"}}, fact("new")])
        assert [again[n] for n in ("accepted", "duplicate", "conflict")] == [1, 1, 1]
        assert again["ledger_seq"] == 1004
        server.put("/users/c@d.example", role="finance", password="a long enough one")
        assert len(server.call("GET", "/users").json["items"]) == 3


def test_the_events_go_to_clickhouse_where_it_is_named(
    folder: Folder, goal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["--to", goal, "--data", str(folder.path), "--events"]
    assert main(["move", *wrong, "mysql://u:secret@h/d"]) == ExitCode.UNAVAILABLE
    said = capsys.readouterr()
    assert "events_url_invalid" in said.err
    assert "secret" not in said.out + said.err
    assert main(["move", *wrong, chdb.url()]) == ExitCode.DONE
    *_, database, events = capsys.readouterr().out.splitlines()
    assert database.startswith("Set TALLYBOOK_DATABASE_URL=postgresql://postgres@/")
    assert events.startswith("Set TALLYBOOK_EVENTS_URL=chdb:///")
    settings = at(folder, goal, events_url=events.partition("=")[2])
    with folder.served(settings) as server:
        assert answers(server, folder.questions) == folder.answers


@pytest.mark.parametrize("steps", [5, 24])
def test_a_move_that_was_stopped_goes_on_with_what_came_meanwhile(
    folder: Folder, goal: str, steps: int
) -> None:
    assert move(folder, goal, steps=steps).state != "moved"
    assert refusal(lambda: open_and_close(at(folder, goal))).code == "move_unfinished"
    with folder.served(folder.settings) as server:
        assert server.send([fact("meanwhile")])["accepted"] == 1
        server.put("/accounts/later", name="Later")
        server.put("/users/a@b.example", role="admin", name="Ada")
        server.until_visible()
        asked = questions(server)
        expected = answers(server, asked)
    assert move(folder, goal).state == "moved"
    with folder.served(at(folder, goal)) as server:
        assert answers(server, asked) == expected
        assert server.send([fact("meanwhile")])["duplicate"] == 1


def test_a_stop_between_the_folder_and_the_database_leaves_both_closed(
    folder: Folder, goal: str
) -> None:
    move(folder, goal, steps=42)
    with SqlLedger(folder.path, moving=True) as ledger:
        ledger.note_moved(goal)
    assert refusal(lambda: open_and_close(folder.settings)).code == "folder_moved"
    assert refusal(lambda: open_and_close(at(folder, goal))).code == "move_unfinished"
    assert move(folder, goal).state == "moved"
    open_and_close(at(folder, goal))


def test_what_is_equal_already_is_neither_copied_nor_compared_again(
    folder: Folder, goal: str
) -> None:
    written = "SELECT xmin::text, first_seq FROM batches UNION ALL SELECT xmin::text, seq FROM ids"
    move(folder, goal, before="Events here")
    before = run(goal, written)
    with app.moving(at(folder, goal)) as moving:
        done = {stage.name: [*stage.steps] for stage in moving.stages()}
    assert {name for name, steps in done.items() if steps} == {"Books compared", "Events there"}
    assert sorted(run(goal, written)) == sorted(before)


def test_the_folder_is_closed_until_the_move_is_undone(folder: Folder, goal: str) -> None:
    assert refusal(lambda: undo(folder, goal)).code == "not_moved"
    move(folder, goal)
    for word in ("usage uses", "rebuild", "serve"):
        assert main([*word.split(), "--data", str(folder.path)]) == ExitCode.UNAVAILABLE
    closed = refusal(lambda: open_and_close(folder.settings))
    assert (closed.code, "TALLYBOOK_DATABASE_URL" in closed.detail) == ("folder_moved", True)
    assert move(folder, goal).state == "moved"
    undo(folder, goal)
    assert refusal(lambda: open_and_close(at(folder, goal))).code == "move_unfinished"
    with folder.served(folder.settings) as server:
        assert answers(server, folder.questions) == folder.answers
        server.send([fact("after")])
    assert move(folder, goal).found["ledger"]["events"] == 1004


def undo(folder: Folder, goal: str) -> None:
    with app.moving(at(folder, goal)) as moving:
        moving.undo()


def test_a_move_is_not_undone_where_that_would_lose_something(folder: Folder, goal: str) -> None:
    move(folder, goal)
    with folder.served(at(folder, goal)) as server:
        elsewhere = copied(folder, folder.path.with_name("elsewhere"))
        assert refusal(lambda: undo(elsewhere, goal)).code == "target_in_use"
        server.send([fact("new")])
    assert refusal(lambda: undo(folder, goal)).code == "target_went_on"
    assert refusal(lambda: open_and_close(folder.settings)).code == "folder_moved"
    with postgres.passing("other_goal") as other:
        assert refusal(lambda: move(folder, other)).code == "folder_moved"
        assert refusal(lambda: undo(folder, other)).code == "folder_moved"


def test_what_changed_of_people_is_not_undone(folder: Folder, goal: str) -> None:
    move(folder, goal)
    server = app.Installation(at(folder, goal))
    people, now = server.services.people, datetime.now(UTC)
    attempt = Attempt("a@b.example", "a long enough one", "127.0.0.1", None)
    sign_in(people, Guesses(), attempt, now)
    assert people.revoke_key(ALL, people.keys(ALL)[0].id, now)
    server.close()
    went_on = refusal(lambda: undo(folder, goal))
    assert went_on.code == "target_went_on"
    assert "of people" in went_on.detail
    assert refusal(lambda: open_and_close(folder.settings)).code == "folder_moved"
    run(goal, "DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)")
    undo(folder, goal)  # nobody misses a sign-in


def test_a_copy_of_a_folder_that_was_moved_is_closed_too(folder: Folder, goal: str) -> None:
    move(folder, goal)
    elsewhere = folder.path.with_name("elsewhere")
    elsewhere.mkdir()
    for name in ("books.db", "ledger.db", "ledger.db-wal"):
        if (folder.path / name).exists():
            shutil.copy(folder.path / name, elsewhere)
    closed = refusal(lambda: open_and_close(Settings(data=elsewhere)))
    assert (closed.code, closed.facts["to"]) == ("folder_moved", shown(address(goal)))


def test_a_move_is_not_undone_while_the_database_is_open(folder: Folder, goal: str) -> None:
    move(folder, goal)
    starting = app.Installation(at(folder, goal, data=str(folder.path.with_name("b"))))
    assert refusal(lambda: undo(folder, goal)).code == "target_in_use"
    assert put(starting, "first").accepted == 1
    starting.close()
    assert refusal(lambda: undo(folder, goal)).code == "target_went_on"


def test_nobody_opens_a_database_while_it_is_looked_at(folder: Folder, goal: str) -> None:
    move(folder, goal)
    at_work = Shared(address(goal), moving=True)
    with ExitStack() as stack:
        stack.callback(at_work.leave)
        at_work.enter()
        assert refusal(lambda: open_and_close(at(folder, goal))).code == "move_unfinished"
    open_and_close(at(folder, goal))


def test_a_server_that_lost_its_lock_writes_nothing_once_the_move_is_undone(
    folder: Folder, goal: str
) -> None:
    move(folder, goal)
    left = app.Installation(at(folder, goal, data=str(folder.path.with_name("b"))))
    assert put(left, "before").accepted == 1
    assert run(goal, CUT_OFF) == [(True,)]
    assert refusal(lambda: undo(folder, goal)).code == "target_went_on"
    assert put(left, "after").accepted == 1  # refused is the undoing alone
    run(goal, "DELETE FROM ids WHERE seq > 1003", "DELETE FROM batches WHERE first_seq > 1003")
    run(goal, "UPDATE counter SET head = 1003")
    undo(folder, goal)
    services = left.services
    assert refusal(lambda: put(left, "late")).code == "move_unfinished"
    late = refusal(lambda: services.people.revoke_key(ALL, "unheard", services.clock.now()))
    assert late.code == "move_unfinished"
    left.close()
    assert run(goal, "SELECT head, closed FROM counter") == [(1003, True)]
    open_and_close(folder.settings)


#: Ends the connection that holds a server's lock, as a network does.
CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def put(installation: app.Installation, name: str) -> Receipt:
    body = json.dumps([fact(name)]).encode()
    kind = {"content-type": "application/json"}
    return ingest(ALL, installation.services.ledger, body, kind, datetime.now(UTC))


TAMPERED = {
    "version": "UPDATE version SET document = replace(document, 'Acme Ltd', 'Acme Inc')",
    "api_key": "DELETE FROM api_key WHERE revoked_at IS NOT NULL",
    "statement": "UPDATE statement SET sha256 = 'x'",
    "batches": "UPDATE batches SET payload = payload || '\\x00' WHERE first_seq = 51",
    "ids": "UPDATE ids SET seq = seq + 5000 WHERE seq = 77",
    "counter": "UPDATE counter SET head = head + 1",
}


@pytest.mark.parametrize("table", TAMPERED)
def test_a_row_that_is_not_what_was_copied_is_found(folder: Folder, goal: str, table: str) -> None:
    with app.moving(at(folder, goal)) as moving:
        stages = moving.stages()
        for _ in range(2):
            [*next(stages).steps]
        run(goal, TAMPERED[table])
        found = refusal(lambda: [[*stage.steps] for stage in stages])
    assert (found.code, found.facts["table"]) == ("move_differs", table)
    assert refusal(lambda: open_and_close(at(folder, goal))).code == "move_unfinished"
    open_and_close(folder.settings)
    if table in {"version", "api_key", "statement"}:
        assert move(folder, goal).state == "moved"


def test_events_that_are_answered_differently_are_found(folder: Folder, goal: str) -> None:
    with duckdb.connect(folder.path / "events.duckdb") as copy:
        (month,) = copy.execute("SELECT relation FROM months").fetchall()
        copy.execute(f"UPDATE {month[0]} SET type = 'used' WHERE seq = 77")
    found = refusal(lambda: move(folder, goal))
    assert (found.code, found.facts["table"]) == ("move_differs", "events")
    assert main(["rebuild", "--data", str(folder.path)]) == ExitCode.DONE
    assert move(folder, goal).state == "moved"


def test_only_an_empty_database_is_moved_into(folder: Folder, goal: str, tmp_path: Path) -> None:
    another = Settings.model_validate({"data": tmp_path / "another", "database_url": goal})
    app.initialise(another, EMAIL)
    assert refusal(lambda: move(folder, goal)).code == "target_not_empty"
    with postgres.passing("begun") as begun:
        move(folder, begun, steps=3)
        stranger = Settings(data=tmp_path / "stranger")
        app.initialise(stranger, EMAIL)
        mine = Settings.model_validate({"data": stranger.data, "database_url": begun})
        assert refusal(lambda: plan(mine)).code == "target_not_empty"
    open_and_close(folder.settings)


def plan(settings: Settings) -> None:
    with app.moving(settings):
        pass


def test_a_plan_writes_nothing(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    with postgres.passing("goal") as goal:
        plan_and_move(folder, goal, capsys)


def plan_and_move(folder: Folder, goal: str, capsys: pytest.CaptureFixture[str]) -> None:
    known = goal.replace("postgres@", "postgres:secret@")
    words = ["move", "--data", str(folder.path), "--to", known]
    assert main([*words, "--plan"]) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "1,003 events in 22 batches" in said
    assert "postgresql://postgres:***@/goal" in said
    assert run(goal, "SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
    assert main([*words, "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["ledger"]["events"]) == ("moved", 1003)
    assert len(told["books"]["version"]["sha256"]) == len(told["ledger"]["sha256"]) == 64
    assert main(words) == ExitCode.DONE
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Set TALLYBOOK_DATABASE_URL=postgresql://postgres:***@/goal")
    assert main([*words, "--undo"]) == ExitCode.DONE
    assert "is served again" in capsys.readouterr().out


def test_what_cannot_be_moved_is_told(folder: Folder, goal: str, tmp_path: Path) -> None:
    with folder.served(folder.settings):
        assert refusal(lambda: move(folder, goal)).code == "folder_in_use"
    for url, code in {
        "mysql://u:secret@h/d": "database_url_wrong",
        "secret": "database_url_wrong",
        "postgresql://u:secret@127.0.0.1:1/d": "target_unavailable",
        re.sub(r"/t\w+\?", "/nowhere?", goal): "target_unavailable",
    }.items():
        said = refusal(lambda url=url: move(folder, url))  # type: ignore[misc] # of this turn
        assert (said.code, "secret" in said.detail) == (code, False)
    nothing = Settings.model_validate({"data": tmp_path / "nothing", "database_url": goal})
    assert refusal(lambda: plan(nothing)).code == "not_initialised"
    assert main(["move", "--data", str(folder.path)]) == ExitCode.USAGE
    with sqlite3.connect(folder.path / "books.db") as books:
        books.execute("UPDATE alembic_version SET version_num = 'v9999'")
    books.close()
    assert refusal(lambda: move(folder, goal)).code == "schema_newer"
