"""A real `serve` process and plain HTTP to it, for tests of stories and processes and for the
benchmark. Nothing is played: it is started by its command, asked over loopback, and killed.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS_MAX = 30
VISIBLE_SECONDS_MAX = 30
ASK_SECONDS_MAX = 30


class Answer(NamedTuple):
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Command(NamedTuple):
    """How a word of the command line ended."""

    code: int
    out: str
    err: str


def tallybook(
    *arguments: str | Path, seconds: float = 60, settings: Mapping[str, str] | None = None
) -> Command:
    """Run a word of the command line to its end, with settings of the environment."""
    done = subprocess.run(
        [sys.executable, "-m", "tallybook", *map(str, arguments)],
        env=environment() | dict(settings or {}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return Command(done.returncode, done.stdout, done.stderr)


def environment() -> dict[str, str]:
    """Return our environment without anything that settles what Tallybook does."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TALLYBOOK_", "COV_"))}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


class Client:
    """Plain HTTP to one installation with an administrator's key."""

    def __init__(self, port: int, key: str) -> None:
        """Nothing is asked yet."""
        self.port = port
        self.key = key

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request as it is given, on a connection of its own.

        Raises:
            OSError: nobody answers, or not to the end.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ASK_SECONDS_MAX)
        try:
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        except http.client.HTTPException as e:
            raise ConnectionError(str(e)) from e
        finally:
            connection.close()

    def call(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Answer:
        """Call the API with the administrator's key; a document goes as JSON."""
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        body = document if isinstance(document, bytes) else None
        if document is not None and body is None:
            body = json.dumps(document).encode()
            sent = {"Content-Type": "application/json", **sent}
        return self.ask(method, f"/api/v1{path}{query}", body, sent)

    def put(self, path: str, **document: Any) -> Any:
        """Define something."""
        answer = self.call("PUT", path, document)
        assert answer.status in {200, 201}, answer.body
        return answer.json

    def send(self, events: list[dict[str, Any]]) -> Any:
        """Send events and return the receipt."""
        answer = self.call("POST", "/events", events)
        assert answer.status == http.client.OK, answer.body
        return answer.json

    def usage(self, meter: str, **parameters: Any) -> Any:
        """Ask for usage."""
        answer = self.call("GET", "/usage", meter=meter, **parameters)
        assert answer.status == http.client.OK, answer.body
        return answer.json

    def until_visible(self, seconds: float = VISIBLE_SECONDS_MAX) -> None:
        """Wait until all that is accepted by now is counted; others may go on sending.

        The head is read before the backlog, so that what is loaded is never overrated.
        """
        ends = time.monotonic() + seconds
        accepted = self.metric("tallybook_ledger_events")
        while (
            self.metric("tallybook_ledger_events") - self.metric("tallybook_backlog_events")
            < accepted
        ):
            assert time.monotonic() < ends, (
                f"what was accepted is not loaded: {self.ask('GET', '/readyz').body.decode()}"
            )
            time.sleep(0.02)

    def metric(self, name: str) -> float:
        """Return a value of /metrics."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


class Server(Client):
    """One data folder and the process that serves it, always on the same port."""

    def __init__(
        self,
        folder: Path,
        *,
        options: Iterable[str] = (),
        settings: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> None:
        """Make the folder with `init`, unless it has a key already; nothing runs yet."""
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        self._options = [*options]
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = dict(settings or {})
        if key is None:
            words = ("init", "--data", folder, "--admin-email", "admin@example.com", "--json")
            made = tallybook(*words, settings=self._settings)
            assert made.code == 0, made.err
            key = str(json.loads(made.out)["api_key"])
        super().__init__(_free_port(), key)

    def beside(self, folder: Path) -> "Server":
        """Return a server of the same database, as on another machine; it does not run yet."""
        return Server(folder, options=self._options, settings=self._settings, key=self.key)

    def start(self, before: Callable[[], None] | None = None) -> float:
        """Start the process and return the seconds until /readyz said 200; `before` runs in it."""
        assert self.process is None, "it runs already"
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tallybook",
                    "serve",
                    "--data",
                    str(self.folder),
                    "--port",
                    str(self.port),
                    *self._options,
                ],
                env=environment() | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=before,  # noqa: PLW1509 - sets a limit of the child; no thread of ours is in between
            )
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > began + READY_SECONDS_MAX:
                self.kill()
                raise AssertionError(f"it did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)
        return time.monotonic() - began

    def _is_ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz").status == http.client.OK
        except OSError:
            return False

    @property
    def pid(self) -> int:
        """The process that serves now."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """End it as a power switch does."""
        self.end(signal.SIGKILL)

    def stop(self, seconds: float = 15) -> int:
        """Ask it to end; return its exit code."""
        return self.end(signal.SIGTERM, seconds)

    def end(self, number: signal.Signals, seconds: float = 15) -> int:
        """Send a signal; return the exit code."""
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def __enter__(self) -> Self:
        if self.process is None:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()


def event(id: str, **attributes: Any) -> dict[str, Any]:
    """Return a plain event of one account; attributes replace what it says."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": "/test",
        "type": "use",
        "subject": "acme",
        "time": "2026-03-05T12:00:00Z",
        "data": {"n": 1},
        **attributes,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
