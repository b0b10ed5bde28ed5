"""PostgreSQL by a wrong address, lost in the middle of a commit, stopped, come back as a standby:
each time it is said, nothing is acknowledged that is not stored, and all goes on by itself.
"""

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import text

from tallybook import app
from tallybook.model.errors import Unavailable
from tallybook.settings import Settings
from tallybook.stores.postgresql import address, readers
from tests import postgres
from tests.documented import Documented
from tests.serving import Answer, Client, event, tallybook

pytestmark = [pytest.mark.postgres, pytest.mark.thorough]

SECRET = "secret9"
WAIT_SECONDS = 30
SPAN = {"from": "2026-03-01", "to": "2026-04-01"}
LINE = {"code": "total", "meter": "total", "price": {"model": "per_unit", "unit_amount": "0.01"}}


def at(folder: Path, url: str) -> Settings:
    return Settings.model_validate({"data": folder, "database_url": url})


# ------------------------------------------------------------------------------ wrong addresses

#: Where the server of the tests listens stands for HOST, and nobody listens at port 1.
WRONG = {
    "another database": (f"mysql://u:{SECRET}@h/d", "no address"),
    "no scheme": (f"u:{SECRET}@h/d", "no address"),
    "nonsense": (f"::::{SECRET}", "no address"),
    "an @ in the password": (f"postgresql://u:pa@{SECRET}@127.0.0.1:1/d", "%40"),
    "nobody listens": (f"postgres://u:{SECRET}@127.0.0.1:1/d", "Connection refused"),
    "a port that is none": (f"postgresql://u:{SECRET}@127.0.0.1:99999/d", "invalid port"),
    "an option that is none": (f"postgresql://u:{SECRET}@/d?host=HOST&no=1", "invalid connection"),
    "a wrong password": (f"postgresql://careful:{SECRET}@/postgres?host=HOST", "authentication"),
    "no such database": (f"postgresql://postgres:{SECRET}@/nowhere?host=HOST", "does not exist"),
    "no such user": (f"postgresql://nobody:{SECRET}@/postgres?host=HOST", "does not exist"),
    "no rights": (f"postgresql://poor:{SECRET}@/postgres?host=HOST", "permission denied"),
    "one that nobody writes": (f"postgresql://postgres:{SECRET}@/set_so?host=HOST", "read-only"),
    "another encoding": (f"postgresql://postgres:{SECRET}@/ascii?host=HOST", "SQL_ASCII"),
}


@pytest.fixture
def host() -> str:
    """Return where the server of the tests listens, which has what is wrong above."""
    return prepared()


@cache
def prepared() -> str:
    for statement in (
        f"CREATE ROLE {postgres.CAREFUL} LOGIN PASSWORD 'right'",
        "CREATE ROLE poor LOGIN",
        "CREATE DATABASE set_so TEMPLATE template0",
        "ALTER DATABASE set_so SET default_transaction_read_only = on",
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    ):
        postgres.administer(statement)
    return postgres.server()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_address_is_said_with_its_setting_and_without_its_password(
    wrong: str, host: str, tmp_path: Path
) -> None:
    url, why = WRONG[wrong]
    settings = at(tmp_path, url.replace("HOST", host))
    for start in (lambda: app.initialise(settings, "a@example.com"), lambda: reached(settings)):
        with pytest.raises(Unavailable) as refusal:
            start()
        said = refusal.value.detail
        assert why in said
        assert "TALLYBOOK_DATABASE_URL" in said
        assert SECRET not in said + str(refusal.value.facts)
        named = refusal.value.code.partition("_")[0]
        assert named == "database" or named in said.casefold()  # the store


def reached(settings: Settings) -> None:
    with app.reach(settings):
        pass


@pytest.mark.process
@pytest.mark.parametrize("word", ["init", "serve", "tick"])
def test_a_command_with_a_wrong_address_ends_as_one_without_its_store(
    word: str, host: str, tmp_path: Path
) -> None:
    url = WRONG["a wrong password"][0].replace("HOST", host)
    more = ["--admin-email", "a@example.com"] if word == "init" else []
    done = tallybook(word, "--data", tmp_path, *more, settings={"TALLYBOOK_DATABASE_URL": url})
    assert (done.code, done.out) == (3, "")
    assert "TALLYBOOK_DATABASE_URL" in done.err
    assert "Traceback" not in done.err
    assert SECRET not in done.err


# --------------------------------------------------------------------- a connection that is lost


class Line:
    """A line to the server that breaks when told to: at the next commit of events, before the
    server has it or after.
    """

    def __init__(self) -> None:
        """Listen in a folder of its own, whose name is short enough for a socket."""
        self.folder = tempfile.TemporaryDirectory(prefix="tallybook-line-")
        self.breaks: Literal["before", "after"] | None = None
        self._ends: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(f"{self.folder.name}/{NAME}")
        self._listening.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listening.accept()
                theirs = socket.socket(socket.AF_UNIX)
                self._ends += [ours, theirs]
                theirs.connect(f"{postgres.server()}/{NAME}")
                for pump, ends in ((self._ask, (ours, theirs)), (self._answer, (theirs, ours))):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def _ask(self, ours: socket.socket, theirs: socket.socket) -> None:
        stores = False
        with suppress(OSError), closing(ours):
            while sent := ours.recv(1 << 20):
                stores = stores or b"INSERT INTO batches" in sent
                how = self.breaks if stores and b"COMMIT\0" in sent else None
                if how is not None:
                    self.breaks = None
                    ours.shutdown(socket.SHUT_RDWR)
                    if how == "after":
                        theirs.sendall(sent)
                    theirs.shutdown(socket.SHUT_WR)
                    return
                theirs.sendall(sent)

    def _answer(self, theirs: socket.socket, ours: socket.socket) -> None:
        with suppress(OSError), closing(theirs):
            while found := theirs.recv(1 << 20):
                with suppress(OSError):  # who asked may be gone
                    ours.sendall(found)

    def close(self) -> None:
        for end in (self._listening, *self._ends):
            end.close()
        self.folder.cleanup()


NAME = ".s.PGSQL.5432"


@pytest.fixture
def line() -> Iterator[Line]:
    with closing(Line()) as found:
        yield found


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[[str], Client]]:
    """Return what serves a database, with a contract in it, in this process."""
    running = []

    def serve(url: str) -> Client:
        settings = at(tmp_path / "data", url)
        key = str(app.initialise(settings, "admin@example.com")["api_key"])
        running.append(app.running(settings))
        server = Documented(urlsplit(running[0].__enter__().url).port or 0, key)
        server.put("/accounts/acme", name="Acme")
        server.put("/meters/total", event_type="use", aggregation="sum", property="n")
        server.put("/contracts/C-1", account="acme", start_date="2026-01-01", lines=[LINE])
        return server

    yield serve
    for one in running:
        one.__exit__(None, None, None)


def batch(*numbers: int) -> list[dict[str, Any]]:
    return [event(f"e{n}", data={"n": n}) for n in numbers]


def used(server: Client) -> str:
    return str(server.usage("total", account="acme", **SPAN)["rows"][0]["value"])


def until(found: Callable[[], object], wanted: object) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while (last := found()) != wanted:
        assert time.monotonic() < ends, f"{last} is not {wanted}"
        time.sleep(0.05)


def readiness(server: Client) -> Answer:
    return server.ask("GET", "/readyz")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_whose_outcome_nobody_knows_is_refused_and_counts_once_when_sent_again(
    moment: Literal["before", "after"],
    line: Line,
    serving: Callable[[str], Client],
    tmp_path: Path,
) -> None:
    url = postgres.database(tmp_path).replace(postgres.server(), line.folder.name)
    server = serving(url)
    assert server.send(batch(1))["accepted"] == 1
    for first in (2, 4):
        events = batch(1, first, first + 1)
        line.breaks = moment
        refused = server.call("POST", "/events", events)
        assert (refused.status, refused.json["code"]) == (503, "ledger_unwritable")
        assert refused.headers["retry-after"]
        receipt = server.send(events)
        expected = (2, 1) if moment == "before" else (0, 3)
        assert (receipt["accepted"], receipt["duplicate"]) == expected
        assert receipt["ledger_seq"] == first + 1
    server.until_visible()
    assert used(server) == str(1 + 2 + 3 + 4 + 5)
    assert readiness(server).status == 200


def test_a_server_that_is_stopped_and_started_again_is_said_and_all_goes_on_by_itself(
    serving: Callable[[str], Client], tmp_path: Path
) -> None:
    server = serving(postgres.database(tmp_path))
    assert server.send(batch(1))["accepted"] == 1
    server.until_visible()
    with postgres.stopped():
        unready = readiness(server)
        assert unready.status == 503
        assert "Books cannot be used" in unready.json["detail"]
        assert "TALLYBOOK_DATABASE_URL" in unready.json["detail"]
        for answer in (
            server.call("POST", "/events", batch(2)),
            server.call("GET", "/positions"),
            server.call("PUT", "/accounts/more", {}),
        ):
            assert (answer.status, answer.json["code"]) == (503, "books_unavailable")
        assert server.ask("GET", "/healthz").status == 200
    until(lambda: readiness(server).status, 200)
    assert server.send(batch(1, 2))["accepted"] == 1
    until(lambda: server.call("GET", "/positions").status, 200)
    server.until_visible()
    assert used(server) == "3"
    assert server.call("GET", "/accounts/more").status == 404


def test_a_database_that_does_not_answer_is_said_in_time(
    serving: Callable[[str], Client], tmp_path: Path
) -> None:
    url = postgres.database(tmp_path)
    server = serving(url)
    with closing(psycopg.connect(url)) as holder:
        holder.execute("LOCK TABLE revision IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        unready = readiness(server)
        assert time.monotonic() - began < 10
        assert (unready.status, unready.json["code"]) == (503, "not_ready")
        assert "do not answer" in unready.json["detail"]
    until(lambda: readiness(server).status, 200)


def test_a_standby_takes_no_events_and_says_so_until_it_is_promoted(
    serving: Callable[[str], Client], tmp_path: Path
) -> None:
    url = postgres.database(tmp_path)
    server = serving(url)
    assert server.send(batch(1))["accepted"] == 1
    server.until_visible()
    try:
        with postgres.stopped(standby=True):
            pass
        until(lambda: readiness(server).json["code"], "ledger_unwritable")
        assert readiness(server).status == 503
        assert used(server) == "1"  # who reads is answered
        refused = server.call("POST", "/events", batch(2))
        assert (refused.status, refused.json["code"]) == (503, "ledger_unwritable")
        with pytest.raises(Unavailable, match="read-only"):
            app.initialise(at(tmp_path / "another", url), "another@example.com")
    finally:
        postgres.administer("SELECT pg_promote()")
    until(lambda: readiness(server).status, 200)
    assert server.send(batch(1, 2))["accepted"] == 1
    server.until_visible()
    assert used(server) == "3"


def test_of_several_hosts_the_one_that_is_written_to_is_read() -> None:
    with postgres.standby() as waiting:
        both = f"postgresql://postgres@/postgres?host={waiting}&host={postgres.server()}"
        for url, recovers in (
            (both, False),
            (both.replace("&host=", ","), False),
            (f"postgresql://postgres@/postgres?host={waiting}", True),
        ):
            engine = readers(address(url))
            with engine.connect() as connection:
                assert connection.scalar(text("SELECT pg_is_in_recovery()")) is recovers
            engine.dispose()
