"""A real ClickHouse, for tests and the benchmark: one node, or a cluster of shards and replicas.

Nodes listen on loopback only, in folders of their own, and end with the process that started them.
What the program cannot do when started like this: replicate by Keeper, `ON CLUSTER`. A replica is
therefore written by whoever inserts (`internal_replication` is off), and the tables are made on
each node. What dies by itself, which it should not, is started again and counted.
"""

import hashlib
import http.client
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from tests import machine

SOURCE = Path(__file__).with_name("node.c")
NAME = "tallybook"
READY_SECONDS_MAX = 30
ASK_SECONDS_MAX = 60
TEND_SECONDS = 0.1
#: Below those that a machine gives to whoever calls out, or a caller takes a dead node's port.
PORTS = range(20_000, 32_000)

_LISTEN = """
    SYSTEM START LISTEN TCP;
    SYSTEM START LISTEN HTTP;
    SELECT sleepEachRow(1) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null
"""


class Refused(Exception):
    """A node answered that it did not do what it was asked; the text is its own."""


@cache
def launcher() -> tuple[str, str]:
    """Return the words a node's command begins with: our program, built once, and the library.

    Raises:
        machine.Missing: there is no library, and it cannot be fetched, or no compiler.
    """
    library = Path(machine.clickhouse())
    program = library.with_name(f"node-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}")
    if not program.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            built = Path(folder, "node")
            flags = ["-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", "-rdynamic"]
            libraries = ["-ldl", "-lpthread"]
            subprocess.run(
                [machine.compiler(), *flags, "-o", built, SOURCE, *libraries], check=True
            )
            built.replace(program)
    return str(program), str(library)


class Ports(NamedTuple):
    """Where a node listens: for clients and for other nodes."""

    http: int
    tcp: int


class Node:
    """One server, always on the same ports and in the same folder, whatever happens to it."""

    def __init__(self, folder: Path, ports: Ports, config: str) -> None:
        """Write its configuration; nothing runs yet."""
        self.folder = folder
        self.ports = ports
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.gave_up = 0
        self._wanted = False
        self._changing = threading.Lock()
        folder.mkdir(parents=True)
        (folder / "config.xml").write_text(config, "utf-8")

    def start(self) -> None:
        """Start it, where it does not run, and wait until it answers."""
        with self._changing:
            self._wanted = True
            self._start()

    def stop(self) -> None:
        """End it without a warning; it stays down until it is started."""
        with self._changing:
            self._wanted = False
            self._kill()

    def kill(self) -> None:
        """End it without a warning; whoever tends it starts it again."""
        with self._changing:
            self._kill()

    def pause(self, *, on: bool = True) -> None:
        """Let it stand still with its connections open, or go on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def tend(self) -> None:
        """Start it again if it died although it is wanted, and count when nobody killed it."""
        with self._changing:
            if self._wanted and not self.runs():
                self.gave_up += self.process is not None
                self._start()

    def runs(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def url(self, database: str) -> str:
        """Return the address that Tallybook takes."""
        return f"clickhouse://127.0.0.1:{self.ports.http}/{database}"

    def ask(self, statement: str, **settings: str | int) -> str:
        """Send one statement over plain HTTP and return the answer's text.

        Raises:
            Refused: the node says no, also in the middle of an answer.
            OSError: nobody answers, or not to the end.
        """
        target = f"/?{urlencode({'wait_end_of_query': 1, **settings})}"
        status, text = self._http("POST", target, statement)
        if status != http.client.OK:
            raise Refused(text)
        return text

    def answers(self) -> bool:
        """Whether it is ready for questions."""
        try:
            return self._http("GET", "/ping") == (http.client.OK, "Ok.\n")
        except OSError:
            return False

    def _http(self, method: str, target: str, body: str | None = None) -> tuple[int, str]:
        host = "127.0.0.1"
        connection = http.client.HTTPConnection(host, self.ports.http, timeout=ASK_SECONDS_MAX)
        try:
            connection.request(method, target, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except http.client.HTTPException as e:
            raise ConnectionError(str(e)) from e
        finally:
            connection.close()

    def _start(self) -> None:
        if self.runs():
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*launcher(), *self._options],
                env={**os.environ, "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + READY_SECONDS_MAX
        while not self.answers():
            if not self.runs() or time.monotonic() > ends:
                self._kill()
                raise AssertionError(f"it did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)

    @property
    def _options(self) -> list[str]:
        options = {
            "config-file": self.folder / "config.xml",
            "path": self.folder / "data",
            "listen_host": "127.0.0.1",
            "http_port": self.ports.http,
            "tcp_port": self.ports.tcp,
            "logger.console": 1,
            "log-level": "warning",
            "query": _LISTEN,
        }
        return [f"--{name}={value}" for name, value in options.items()]

    def _kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Cluster:
    """Shards of replicas; every node knows all of them under one name."""

    def __init__(self, folder: Path, shards: int, replicas: int) -> None:
        """Choose the ports and write the configurations; nothing runs yet."""
        ports = [_free_ports(replicas) for _ in range(shards)]
        config = _config(ports)
        self.shards = [
            [Node(folder / f"shard{s}-{r}", p, config) for r, p in enumerate(shard)]
            for s, shard in enumerate(ports)
        ]

    @property
    def nodes(self) -> list[Node]:
        """All nodes, shard by shard."""
        return list(chain.from_iterable(self.shards))

    def url(self, database: str) -> str:
        """Return the address that Tallybook takes."""
        hosts = ",".join(f"127.0.0.1:{node.ports.http}" for node in self.nodes)
        return f"clickhouse://{hosts}/{database}?cluster={NAME}"

    def start(self) -> None:
        """Start the nodes that do not run."""
        for node in self.nodes:
            node.start()

    def everywhere(self, statement: str) -> list[str]:
        """Send a statement to each node."""
        return [node.ask(statement) for node in self.nodes]


@contextmanager
def node() -> Iterator[Node]:
    """Run one node with no cluster while the block runs."""
    with tempfile.TemporaryDirectory(prefix="tallybook-ch-") as folder:
        (ports,) = _free_ports(1)
        single = Node(Path(folder, "node"), ports, _config([]))
        try:
            single.start()
            yield single
        finally:
            single.stop()


@contextmanager
def cluster(shards: int = 2, replicas: int = 2) -> Iterator[Cluster]:
    """Run a cluster while the block runs, and start again what dies in it."""
    with tempfile.TemporaryDirectory(prefix="tallybook-ch-") as folder, ExitStack() as stack:
        made = Cluster(Path(folder), shards, replicas)
        for each in made.nodes:
            stack.callback(each.stop)
        made.start()
        stack.enter_context(_tended(made.nodes))
        yield made


@contextmanager
def _tended(nodes: Iterable[Node]) -> Iterator[None]:
    """Start again what died, while the block runs."""
    ended = threading.Event()

    def tend() -> None:
        while not ended.wait(TEND_SECONDS):
            for each in nodes:
                with suppress(AssertionError):  # it is tried again, and tests see that it is away
                    each.tend()

    thread = threading.Thread(target=tend, name="tend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _config(shards: Iterable[Iterable[Ports]]) -> str:
    """Return a node's configuration: where the replicas of each shard are."""
    at = "<replica><host>127.0.0.1</host><port>{}</port></replica>"
    held = [
        "<shard><internal_replication>false</internal_replication>"
        + "".join(at.format(replica.tcp) for replica in shard)
        + "</shard>"
        for shard in shards
    ]
    known = f"<{NAME}>{''.join(held)}</{NAME}>" if held else ""
    return f"<clickhouse><remote_servers>{known}</remote_servers></clickhouse>"


def _free_ports(nodes: int) -> list[Ports]:
    """Return ports that nobody listens on, two a node."""
    free = filter(_is_free, random.sample(PORTS, len(PORTS)))
    return [Ports(next(free), next(free)) for _ in range(nodes)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
