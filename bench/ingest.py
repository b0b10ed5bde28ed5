"""Durable ingest over HTTP to queryable, against an Arrow insert into the same table by hand.

The generator runs beside the server on the same cores; its bodies are made beforehand.
"""

import http.client
import itertools
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
import pyarrow as pa

from bench.machine import Servers, cost, quantile
from bench.sizes import Size
from tests.serving import Server, event

EVENTS: Final = 1_000_000
CONNECTIONS: Final = 4
A_REQUEST: Final = 1_000
A_COMMIT: Final = 100_000
PROBES: Final = 100
_START: Final = datetime(2026, 3, 1, tzinfo=UTC)

Row = dict[str, Any]


def run(events: int, folder: Path, size: Size) -> list[Row]:
    """Measure both sides."""
    events = max(
        CONNECTIONS * A_REQUEST, events // (CONNECTIONS * A_REQUEST) * CONNECTIONS * A_REQUEST
    )
    bodies = [body(n) for n in range(events // A_REQUEST)]
    bytes_an_event = sum(map(len, bodies)) / events
    with Server(folder / "data", settings=size.settings) as server:
        server.put("/meters/uses", event_type="use", aggregation="count")
        server.put("/meters/requests", event_type="api.request", aggregation="count")
        ours = _send(server, bodies, size.servers)
        server.put("/accounts/probe")
        waits = _freshness(server)
    hand = by_hand(folder, min(events, 10 * A_COMMIT), size)
    ours_a_cpu = events / (ours["cpu"] + ours["beside"])
    return [
        {"what": "bytes an event", "value": f"{bytes_an_event:.0f}"},
        {"what": "requests at once, events a request", "value": f"{CONNECTIONS}, {A_REQUEST}"},
        {"what": "events/s acknowledged", "value": f"{events / ours['acknowledged']:,.0f}"},
        {
            "what": "events/s to queryable",
            "value": f"{events / ours['queryable']:,.0f}",
            "target": ">= 100,000",
        },
        {"what": "CPU µs an event, server", "value": f"{ours['cpu'] / events * 1e6:.2f}"},
        {"what": "CPU µs an event, databases", "value": f"{ours['beside'] / events * 1e6:.2f}"},
        {"what": "acknowledged p50", "value": f"{quantile(ours['waits'], 0.5) * 1e3:.1f} ms"},
        {"what": "acknowledged p99", "value": f"{quantile(ours['waits'], 0.99) * 1e3:.1f} ms"},
        {"what": "refused for now (429)", "value": f"{ours['refused']}"},
        {"what": "server memory at the end", "value": f"{ours['memory'] / 2**20:.0f} MiB"},
        {"what": "visible after p50", "value": f"{quantile(waits, 0.5) * 1e3:.0f} ms"},
        {
            "what": "visible after p99",
            "value": f"{quantile(waits, 0.99) * 1e3:.0f} ms",
            "target": "<= 2,000 ms",
        },
        {"what": "events a CPU-second, ours", "value": f"{ours_a_cpu:,.0f}"},
        {"what": "events a CPU-second, Arrow by hand", "value": f"{hand:,.0f}"},
        {"what": "ratio", "value": f"{ours_a_cpu / hand:.3f}", "target": ">= 0.15"},
    ]


def _fields(n: int) -> tuple[str, str, str, datetime, str]:
    """Return id, source, subject, time and data of event n; the same on both sides."""
    id_ = f"{random.Random(n).getrandbits(64):016x}-{n:012x}-4000"
    data = (
        f'{{"region":"eu-west-{n % 3}","model":"model-{n % 7}","channel":"sms",'
        f'"tokens":{n % 9000},"ms":{n % 300},"status":200}}'
    )
    time_ = _START + timedelta(milliseconds=n * 97 % (28 * 86_400_000))
    return id_, f"/bench/{n % 4}", f"account-{n * 7919 % 20_000:05d}", time_, data


def body(number: int) -> bytes:
    lines = []
    for n in range(number * A_REQUEST, (number + 1) * A_REQUEST):
        id_, source, subject, time_, data = _fields(n)
        at = f"{time_:%Y-%m-%dT%H:%M:%S}.{time_.microsecond // 1000:03d}Z"
        lines.append(
            f'{{"specversion":"1.0","id":"{id_}","source":"{source}","type":"api.request",'
            f'"subject":"{subject}","time":"{at}","datacontenttype":"application/json",'
            f'"data":{data}}}'
        )
    return f"[{','.join(lines)}]".encode()


def _send(server: Server, bodies: list[bytes], servers: Servers) -> Row:
    """Send everything on some connections; wait until all of it is counted."""
    waits: list[float] = []
    refused = itertools.count()
    todo = iter(bodies)
    taking = threading.Lock()

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        headers = {
            "Authorization": f"Bearer {server.key}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        while True:
            with taking:
                body = next(todo, None)
            if body is None:
                connection.close()
                return
            began = time.perf_counter()
            while True:
                connection.request("POST", "/api/v1/events", body, headers)
                answer = connection.getresponse()
                said = answer.read()
                if answer.status == http.client.OK:
                    break
                assert answer.status == http.client.TOO_MANY_REQUESTS, said
                next(refused)
                time.sleep(0.05)
            waits.append(time.perf_counter() - began)

    process = psutil.Process(server.pid)
    before, beside = process.cpu_times(), servers.cpu()
    began = time.perf_counter()
    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    acknowledged = time.perf_counter() - began
    server.until_visible(seconds=600)
    queryable = time.perf_counter() - began
    after = process.cpu_times()
    return {
        "acknowledged": acknowledged,
        "queryable": queryable,
        "cpu": after.user + after.system - before.user - before.system,
        "beside": servers.cpu() - beside,
        "waits": waits,
        "refused": next(refused),
        "memory": process.memory_info().rss,
    }


def _freshness(server: Server) -> list[float]:
    """Send small batches; return the seconds from each answer until GET /usage shows it."""
    waits = []
    span = {"from": "2026-03-01", "to": "2026-04-01", "account": "probe"}
    for number in range(1, PROBES + 1):
        server.send([event(f"probe-{number}-{i}", subject="probe") for i in range(100)])
        began = time.perf_counter()
        while int(server.usage("uses", **span)["rows"][0]["value"]) < number * 100:
            time.sleep(0.01)
        waits.append(time.perf_counter() - began)
        time.sleep(0.05)
    return waits


def by_hand(folder: Path, events: int, size: Size) -> float:
    """Insert the same rows from Arrow, 100,000 a commit; return the events a CPU-second."""
    tables = [_table(first, min(A_COMMIT, events - first)) for first in range(0, events, A_COMMIT)]
    with size.empty(folder) as engine:
        spent = cost(lambda: [*map(engine.insert, tables)], size.servers)
        assert engine.held() == events
    return events / spent.cpu


def _table(first: int, count: int) -> pa.Table:
    columns = list(zip(*(_fields(n) for n in range(first, first + count)), strict=True))
    at = [int(t.timestamp() * 1_000_000) for t in columns[3]]
    return pa.table(
        {
            "seq": pa.array(range(first + 1, first + count + 1), pa.int64()),
            "source": columns[1],
            "id": columns[0],
            "type": ["api.request"] * count,
            "subject": columns[2],
            "time": pa.array(at, pa.int64()),
            "received": pa.array(at, pa.int64()),
            "data": columns[4],
        }
    )
