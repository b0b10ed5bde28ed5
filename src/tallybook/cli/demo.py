"""Fill a throw-away folder with a year of sample data and serve the pages."""

import secrets
import signal
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tallybook.cli._app import app as root
from tallybook.cli._client import Client, client_of
from tallybook.cli._command import Json, commands, print_json
from tallybook.cli._progress import progress
from tallybook.cli._upload import patiently
from tallybook.model.errors import Invalid, Unavailable
from tallybook.model.mark import parse_mark
from tallybook.model.time import parse_instant
from tallybook.samples.customers import AGREEMENTS, CUSTOMERS
from tallybook.samples.plan import DAYS
from tallybook.samples.services import meters
from tallybook.samples.vendor import Vendor
from tallybook.settings import Settings

if TYPE_CHECKING:
    from tallybook.web.listening import Address

app = commands()

EMAIL: Final = "demo@tallybook.example"
#: Somebody of a sample customer's own, and the account on top of their tree.
CUSTOMER_EMAIL: Final = "customer@tallybook.example"
CUSTOMER_ACCOUNT: Final = "quarry"
_HOST: Final = "127.0.0.1"
#: What the sample administrator is told of: each of these finds something in the sample data.
_CHECKED: Final = (
    "allotment.forecast_overage",
    "allotment.threshold",
    "balance.low",
    "billing.period_unbilled",
    "commitment.shortfall",
    "contract.base_vs_coverage",
    "contract.changed",
    "contract.expiring",
    "invoice.imbalance",
    "overage.started",
    "usage.late_restated",
)
_TRIES: Final = 600
_PAUSE_SECONDS: Final = 0.2


@app.command()
def demo(
    *,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Where to listen; a free port when this one is taken."),
    ] = 8000,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(help="Use this new folder, and keep it afterwards.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=DAYS, help="How many days of events; a year by default.")
    ] = DAYS,
    as_json: Json = False,
) -> None:
    """Fill a throw-away folder with a year of sample data and serve the pages until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT):  # the folder goes however it is stopped
        signal.signal(number, signal.default_int_handler)
    begun_seconds = time.monotonic()
    try:
        with _folder(keep) as folder:
            # Nobody is to get mail about what never was.
            said = {"data": folder, "smtp_url": None}
            settings = Settings.model_validate({**Settings().model_dump(), **said})
            made = root.initialise(settings, EMAIL)
            with _running(settings, port) as (url, token):
                with client_of(url, token) as client:
                    counts = load(client, days)
                    customer = _customer(client)
                login = {"url": url, "email": EMAIL, "password": made["admin_password"]}
                login |= {"customer": customer, "data": made["data"]}
                seconds = round(time.monotonic() - begun_seconds)
                _say(
                    {**login, **counts, "seconds": seconds},
                    after="keeps" if keep else "removes",
                    as_json=as_json,
                )
                if not no_browser and sys.stdout.isatty():
                    _open(url)
                threading.Event().wait()
    except KeyboardInterrupt:
        kept = f"kept; see it again with `serve --data {keep}`" if keep else "removed"
        typer.echo(f"\nStopped. The sample data was {kept}.", err=True)


def load(client: Client, days: int = DAYS) -> dict[str, int]:
    """Send the whole sample vendor through the API; returns once its positions can be seen."""
    recorded_at = [client.put(f"/meters/{m['key']}", m)["recorded_at"] for m in meters()]
    vendor = Vendor(parse_instant(recorded_at[-1]), days)
    for account in vendor.accounts():
        client.put(f"/accounts/{account['key']}", account)
    for contract in vendor.contracts():
        client.put(f"/contracts/{contract['number']}", contract)
    sent = seq = 0
    with progress("Sample data", vendor.events_count(), counted=True) as show:
        for count, batch in vendor.events():
            receipt = patiently(partial(client.send, "/events", batch, "application/x-ndjson"))
            if receipt["accepted"] != count:
                raise Invalid("sample_refused", f"Sample events were refused: {receipt}.")
            sent, seq = sent + count, receipt["ledger_seq"]
            show(sent)
    _await(client, seq)
    for number, day in vendor.closings():
        client.post(f"/statements/{number}/close", {"period": day})
    for changed in vendor.amendments():
        client.put(f"/contracts/{changed['number']}", changed)
    _await(client, seq)
    for check in _CHECKED:
        watch = {"check": check, "recipients": {"to": [EMAIL]}}
        made = client.post("/subscriptions", watch)
        client.post(f"/subscriptions/{made['id']}/runs", {})
    return {"accounts": len(CUSTOMERS), "contracts": len(AGREEMENTS), "events": sent}


def _customer(client: Client) -> dict[str, str]:
    """Let somebody of a sample customer sign in: they see their own tree and nothing else."""
    password = secrets.token_urlsafe(12)
    bound = {"role": "customer_admin", "account": CUSTOMER_ACCOUNT, "name": "Casey Quarry"}
    client.put(f"/users/{CUSTOMER_EMAIL}", {**bound, "password": password})
    return {"email": CUSTOMER_EMAIL, "password": password, "account": CUSTOMER_ACCOUNT}


def _await(client: Client, seq: int) -> None:
    """Wait until every position knows the last event.

    Raises:
        Unavailable: `sample_not_visible`.
    """
    for _ in range(_TRIES):
        items = client.get("/positions", limit=500)["items"]
        if items and all(parse_mark(item["known_at"]).seq >= seq for item in items):
            return
        time.sleep(_PAUSE_SECONDS)
    raise Unavailable("sample_not_visible", "The sample data was sent and does not show; see log.")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="tallybook-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made) / "data"


@contextmanager
def _running(settings: Settings, port: int) -> "Iterator[Address]":
    """Serve on the port that was asked for, or on a free one."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(root.running(settings, _HOST, port))
        except Unavailable as e:
            if e.code != "port_in_use":
                raise
            address = stack.enter_context(root.running(settings, _HOST, 0))
        yield address


def _say(made: Mapping[str, Any], *, after: str, as_json: bool) -> None:
    if as_json:
        print_json(made)
        sys.stdout.flush()
        return
    typer.echo(
        f"""
Sample data: {made["accounts"]} accounts, {made["contracts"]} contracts, {made["events"]:,} events \
in {made["seconds"]} seconds.

    open       {made["url"]}

    as the vendor's administrator
    e-mail     {made["email"]}
    password   {made["password"]}

    as a customer, who sees their own accounts only
    e-mail     {made["customer"]["email"]}
    password   {made["customer"]["password"]}

Ctrl-C stops it and {after} the data."""
    )


def _open(url: str) -> None:
    """Open the browser of the desktop, if there is one; one that takes the terminal is none."""
    try:
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(url)
    except (webbrowser.Error, OSError):
        return
