"""The way from a command to the API: over the wire to the server that owns the data folder, or
to one started in this process when none runs. No command opens a store itself.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import msgspec
import typer

from tallybook.cli._app import app
from tallybook.model.errors import Invalid, NotFound, TallybookError, Unauthenticated, Unavailable
from tallybook.model.limits import PAGE_ROWS_MAX
from tallybook.settings import Settings
from tallybook.web import listening

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder; TALLYBOOK_DATA or ./data by default."),
]

_KINDS: Mapping[int, type[TallybookError]] = {
    401: Unauthenticated,
    404: NotFound,
    429: Unavailable,
    500: Unavailable,
    503: Unavailable,
}
#: The value of a parameter in an address; None is left out.
Asked = str | int | Sequence[str] | None
_ANSWER_SECONDS_MAX: Final = 120
_JSON: Mapping[str, str] = {"Content-Type": "application/json"}
#: Decimals go out as JSON numbers by their text, never through a float.
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Client:
    """Calls to the API of one installation; refusals come back as the errors they are."""

    def __init__(self, http: httpx2.Client) -> None:
        """Keep the connection."""
        self._http = http

    def get(self, path: str, **parameters: Asked) -> Any:
        """Read something; parameters that are None are left out."""
        query = {name: value for name, value in parameters.items() if value is not None}
        return self._answer(self._http.get(path, params=query))

    def save(self, path: str, file: Path, kind: str, **parameters: Asked) -> None:
        """Write what is answered in a format to a file; a refusal leaves the file as it was."""
        query = {name: value for name, value in parameters.items() if value is not None}
        with self._http.stream("GET", path, params={**query, "format": kind}) as response:
            if not response.is_success:
                response.read()
                self._answer(response)
            with file.open("wb") as to:
                for part in response.iter_bytes():
                    to.write(part)

    def list(self, path: str, **parameters: Asked) -> Any:
        """Read a list whole, page by page, as if it were one page."""
        found = page = self.get(path, limit=PAGE_ROWS_MAX, **parameters)
        while page["next_cursor"]:
            cursor = page["next_cursor"]
            page = self.get(path, limit=PAGE_ROWS_MAX, cursor=cursor, **parameters)
            found["items"] += page["items"]
        return {**found, "next_cursor": None}

    def definitions(self, noun: str) -> Iterator[Any]:
        """Read all definitions of a noun; the numbers in them are exact and no texts."""
        cursor: str | None = ""
        while cursor is not None:
            asked = {"noun": noun, "limit": str(PAGE_ROWS_MAX), "cursor": cursor}
            page = self._answer(self._http.get("/definitions", params=asked), exact=Decimal)
            yield page
            cursor = page["next_cursor"]

    def put(self, path: str, document: object) -> Any:
        """Define something."""
        return self._answer(self._http.put(path, content=_encode(document), headers=_JSON))

    def post(self, path: str, document: object) -> Any:
        """Ask for something to be done."""
        return self._answer(self._http.post(path, content=_encode(document), headers=_JSON))

    def delete(self, path: str) -> Any:
        """End something."""
        return self._answer(self._http.delete(path))

    def send(self, path: str, body: bytes, content_type: str) -> Any:
        """Post a body that is ready to go."""
        return self._answer(
            self._http.post(path, content=body, headers={"Content-Type": content_type})
        )

    def _answer(self, response: httpx2.Response, exact: Callable[[str], Any] = str) -> Any:
        if response.is_success:
            return json.loads(response.content, parse_float=exact) if response.content else None
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        known = {"type", "title", "status", "code", "detail", "request_id"}
        raise _KINDS.get(response.status_code, Invalid)(
            problem.get("code", "unexpected_answer"),
            problem.get("detail", f"The server answered {response.status_code}."),
            **{name: fact for name, fact in problem.items() if name not in known},
        )


@contextmanager
def connect(data: Path | None) -> Iterator[Client]:
    """Reach the API of a data folder.

    Raises:
        Unavailable: `server_unreachable`, or what opening the folder refuses.
    """
    settings = Settings() if data is None else Settings(data=data)
    with app.reach(settings) as (url, token), client_of(url, token) as client:
        yield client


@contextmanager
def client_of(url: str, token: str) -> Iterator[Client]:
    """Make a client of the server at an address.

    Raises:
        Unavailable: `server_unreachable`.
    """
    headers = {"Authorization": f"Bearer {token}"}
    with listening.client_of(f"{url}/api/v1", _ANSWER_SECONDS_MAX, headers) as http:
        try:
            yield Client(http)
        except httpx2.TransportError as e:
            raise Unavailable(
                "server_unreachable", f"The server at {url} does not answer: {e}."
            ) from e
