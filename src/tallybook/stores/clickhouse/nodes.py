"""Speaking to the servers: what the network breaks off is asked again of each other one, and what
is wrong is said in our words.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeVar

from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError, ProgrammingError
from clickhouse_connect.driver.httputil import get_pool_manager
from urllib3.exceptions import HTTPError

from tallybook.model.errors import Invalid, TallybookError, Unavailable
from tallybook.stores.clickhouse.address import Address, Host
from tallybook.stores.events.dialect import Parameters

T = TypeVar("T")

# What the driver warns of we say ourselves, in an error.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())

_CONNECT_SECONDS: Final = 5
#: More than a statement may take, so that the server is the one to end it.
_BEYOND_SECONDS: Final = 5
#: Merging a month, or emptying a table.
_PATIENT_SECONDS: Final = 3600
_CONNECTIONS: Final = 32

#: What every statement means. A shard that does not answer is an error, never a part of an answer;
#: no rows are NULL and not 0; what was inserted twice counts once.
_SETTINGS: Final[Mapping[str, Any]] = {
    "aggregate_functions_null_for_empty": 1,
    "join_use_nulls": 1,
    "final": 1,
    # A row's time, and with it the partition, never changes.
    "do_not_merge_across_partitions_select_final": 1,
    "count_distinct_implementation": "uniqExact",
    "skip_unavailable_shards": 0,
    "distributed_product_mode": "local",
    "distributed_foreground_insert": 1,
    "async_insert": 0,
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    # What a profile may have otherwise.
    "enable_analyzer": 1,
    "use_query_cache": 0,
    "enable_parallel_replicas": 0,
    "json_type_escape_dots_in_keys": 0,
    "max_partition_size_to_drop": 0,
    # A text of ours is never taken for anything else.
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
    # A question of 10,000 buckets, or about 100,000 accounts, is long.
    "max_query_size": 64 * 1024 * 1024,
    "max_ast_elements": 1_000_000,
    "max_expanded_ast_elements": 5_000_000,
}
#: With tables that copy among themselves: whoever reads sees what was acknowledged.
_REPLICATED: Final[Mapping[str, Any]] = {
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
}

#: A limit that is passed is an error, never a part of an answer, whatever a profile says; each
#: version of the server has settings of its own with these endings.
_OVERFLOW: Final = ("_overflow_mode", "_overflow_mode_leaf")

_TOO_LONG: Final = 159
#: The user, the password, a right or the cluster: nothing that another try changes.
_SETUP: Final = frozenset({164, 192, 193, 194, 291, 497, 516, 701})
#: There is no such table, or database: its disk may be a new one.
_LACKING: Final = frozenset({60, 81})
#: Errors of a server that tell of the network or of another server, not of the statement.
_BROKEN: Final = frozenset({
    3,  # unexpected end of file
    32,  # attempt to read after the end
    *_LACKING,
    74, 75,  # a file or socket cannot be read, or written
    95, 96,  # a socket cannot be read, or written
    101, 102,  # an unexpected packet from a client, or a server
    198,  # no such host
    202, 241, 394,  # too many questions at once, too little memory, cancelled
    203,  # no free connection
    209, 210,  # socket timeout, network error
    236,  # aborted, while it shuts down
    242, 285, 286, 289, 319,  # a replica cannot be written, or not by a quorum
    279,  # none of a shard's replicas answers
    999, 1002,  # Keeper, unknown
})  # fmt: skip

_FAILURES: Final = (Error, HTTPError, OSError)


class Nodes:
    """The servers of an address. Clients are made when they are needed, and again when they fail.

    Raises:
        Unavailable: `events_unavailable`, from any call, when none of them does what was asked.
    """

    def __init__(self, address: Address, query_seconds: int) -> None:
        """Nothing is asked for yet."""
        self._address = address
        self._query_seconds = query_seconds
        self._settings = {**_SETTINGS, **(_REPLICATED if address.replicated else {})}
        #: Without one the engine is in this process.
        self.hosts: tuple[Host | None, ...] = address.hosts or (None,)
        # Several processes that have the same address do not all begin with the same server.
        self._first = secrets.randbelow(len(self.hosts))
        self._pool = get_pool_manager(maxsize=_CONNECTIONS, num_pools=len(self.hosts))
        self._clients: dict[tuple[Host | None, bool], Client] = {}
        self._changing = Lock()
        self._closed = False

    def close(self) -> None:
        """Give up all connections; nothing can be asked afterwards."""
        with self._changing:
            self._closed = True
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()
        self._pool.clear()

    def ask(self, sql: str, bound: Parameters) -> Sequence[Sequence[Any]]:
        """Return the rows of a question: all of them, from one server, which asks the others.

        Raises:
            Invalid: `query_too_long`.
        """
        limit = {"max_execution_time": self._query_seconds}
        return self._one(
            lambda client: client.query(sql, parameters=bound, settings=limit).result_rows
        )

    def insert(self, table: str, columns: Sequence[str], block: bytes) -> None:
        """Add an Arrow stream to a table; done when it is stored wherever it belongs."""
        self._one(lambda client: client.raw_insert(table, columns, block, fmt="ArrowStream"))

    def run(self, sql: str, bound: Parameters) -> None:
        """Run a statement that returns nothing, and that may be run twice."""
        self._one(lambda client: client.command(sql, parameters=bound))

    def run_on(self, host: Host | None, sql: str) -> None:
        """Run a statement on one server, however long it takes; it names its database."""
        with self._told(host):
            self._client(host, apart=True).command(sql)

    def ask_on(self, host: Host | None, sql: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement about one server; it names its database."""
        with self._told(host):
            return self._client(host, apart=True).query(sql).result_rows

    def _one(self, act: Callable[[Client], T]) -> T:
        """Let one server act: the one that did last, or else each other one, once, for as long as
        one may take. One that stands still is not the first to be asked the next time.
        """
        first = self._first
        ends = monotonic() + self._query_seconds + _BEYOND_SECONDS
        for turn in range(len(self.hosts)):
            if turn and monotonic() >= ends:
                break
            place = (first + turn) % len(self.hosts)
            host = self.hosts[place]
            try:
                found = act(self._client(host))
            except _FAILURES as e:
                failed = self._refusal(host, e)
                if not _is_broken(e):
                    raise failed from e
                self._forget(host)
                self._first = (place + 1) % len(self.hosts)
                reason = failed, e
            else:
                self._first = place
                return found
        raise reason[0] from reason[1]

    @contextmanager
    def _told(self, host: Host | None) -> Iterator[None]:
        try:
            yield
        except _FAILURES as e:
            if _is_broken(e):
                self._forget(host)
            raise self._refusal(host, e) from e

    def _refusal(self, host: Host | None, error: Exception) -> TallybookError:
        """Say in our words what went wrong; a server's own may hold what was asked."""
        if isinstance(error, Error) and error.code == _TOO_LONG:
            return Invalid(
                "query_too_long",
                f"The question took over {self._query_seconds} seconds; ask for a shorter range.",
                limit=self._query_seconds,
            )
        if isinstance(error, Error) and error.code in _LACKING:
            return Unavailable(
                "events_unavailable",
                "A server of TALLYBOOK_EVENTS_URL lacks tables that it had; `tallybook rebuild` "
                "makes them and loads all of it again.",
            )
        where = f"ClickHouse at {host}" if host else f"ClickHouse in {self._address.folder}"
        next_step = "try again later"
        if isinstance(error, Error) and error.code in _SETUP:
            next_step = "see what TALLYBOOK_EVENTS_URL says, and what its user may do there"
        return Unavailable(
            "events_unavailable", f"{where} cannot be used now ({_reason(error)}); {next_step}."
        )

    def _client(self, host: Host | None, *, apart: bool = False) -> Client:
        """Return a client of one server: for the database, or apart from it, which may not be
        there yet, and for what takes long.
        """
        with self._changing:
            self._require_open()
            known = self._clients.get((host, apart))
        if known is not None:
            return known
        made = self._connect(host, _PATIENT_SECONDS if apart else self._query_seconds)
        for name in made.server_settings:
            if name.endswith(_OVERFLOW):
                made.set_client_setting(name, "throw")
        if not apart:
            made.database = self._address.database
        with self._changing:
            kept = None if self._closed else self._clients.setdefault((host, apart), made)
        if kept is not made:
            made.close()
        self._require_open()
        return kept or made

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("events_unavailable", "The events were closed; open them again.")

    def _connect(self, host: Host | None, seconds: int) -> Client:
        if host is None:
            return self._connect_here()
        return get_client(
            interface="https" if self._address.secure else "http",
            host=host.name,
            port=host.port,
            username=self._address.user,
            password=self._address.password,
            settings=self._settings,
            connect_timeout=_CONNECT_SECONDS,
            send_receive_timeout=seconds + _BEYOND_SECONDS,
            pool_mgr=self._pool,
            client_name="tallybook",
            autogenerate_session_id=False,  # threads share a client
        )

    def _connect_here(self) -> Client:
        try:
            return get_client(interface="chdb", path=self._address.folder, settings=self._settings)
        except ImportError as e:
            raise Unavailable(
                "events_unavailable",
                "ClickHouse in this process needs the package chdb; install it, or name a server.",
            ) from e

    def _forget(self, host: Host | None) -> None:
        with self._changing:
            gone = [self._clients.pop(key) for key in [*self._clients] if key[0] == host]
        for client in gone:
            client.close()


def _reason(error: Exception) -> str:
    """Name an error; a server that answered at all is not said to be silent."""
    if isinstance(error, Error) and error.name:
        return error.name
    if isinstance(error, Error) and not isinstance(error, OperationalError):
        return "it refused what it was asked" + (f", code {error.code}" if error.code else "")
    return "it does not answer"


def _is_broken(error: Exception) -> bool:
    """Tell whether another server may do what this one did not."""
    if not isinstance(error, Error):
        return True
    if error.code is None:
        return not isinstance(error, ProgrammingError)
    return error.code in _BROKEN
