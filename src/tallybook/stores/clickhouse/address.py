"""Where the events are: the setting that names the servers, the database and the cluster."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

from tallybook.model.errors import Unavailable

#: Names are written into statements, so they hold nothing that would need an escape.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<netloc>[^/?#]*)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?", re.ASCII
)
_PORTS: Final = {"clickhouse": 8123, "clickhouses": 8443}
_PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Host:
    """One server, reached by HTTP."""

    name: str
    port: int

    def __str__(self) -> str:
        """Write it as people do."""
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Address:
    """The servers, every replica of every shard; or a folder for the engine in this process.

    With `cluster`, the name the servers know it by, rows are sharded over it. `replicated` tables
    copy among themselves by Keeper, which the servers' macros `shard` and `replica` describe.
    """

    hosts: tuple[Host, ...]
    database: str
    folder: str | None = None
    user: str = "default"
    password: str = field(default="", repr=False)
    secure: bool = False
    cluster: str | None = None
    replicated: bool = False


def address(text: str) -> Address:
    """Read the setting.

    Raises:
        Unavailable: `events_url_invalid`; its text holds no password.
    """
    try:
        parts = _split(text)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.scheme == "chdb":
            return _in_process(parts, options)
        if parts.scheme in _PORTS:
            return _servers(parts, options)
    except ValueError:
        pass
    raise Unavailable(
        "events_url_invalid",
        "TALLYBOOK_EVENTS_URL is no address of ClickHouse; write it as clickhouse://user:password@"
        "host1:8123,host2:8123/database?cluster=name (clickhouses:// for TLS; several servers are "
        "a cluster, and one needs no name of it), with %40 for an @ in the password.",
    ) from None


class _Parts(NamedTuple):
    scheme: str
    netloc: str
    path: str
    query: str


def _split(text: str) -> _Parts:
    """Part an address; what the standard library knows of one has a single host."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError
    return _Parts(**found.groupdict(default=""))


def _in_process(parts: _Parts, options: dict[str, str]) -> Address:
    if parts.netloc or not parts.path.strip("/"):
        raise ValueError
    database = _name(options.pop("database", "tallybook"))
    _none_left(options)
    return Address((), database, folder=unquote(parts.path))


def _servers(parts: _Parts, options: dict[str, str]) -> Address:
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    if "@" in login:  # whoever hides the password of a text cuts it at the first one
        raise ValueError
    cluster = options.pop("cluster", None)
    replicated: dict[str, Literal[True, False]] = {"true": True, "false": False}
    copied = replicated.get(options.pop("replicated", "false"))
    _none_left(options)
    if copied is None or (copied and cluster is None):
        raise ValueError
    hosts = tuple(dict.fromkeys(_host(p, _PORTS[parts.scheme]) for p in places.split(",")))
    if len(hosts) > 1 and cluster is None:  # they would be copies that know nothing of each other
        raise ValueError
    return Address(
        hosts=hosts,
        database=_name(unquote(parts.path.removeprefix("/"))),
        user=unquote(user) or "default",
        password=unquote(password),
        secure=parts.scheme == "clickhouses",
        cluster=None if cluster is None else _name(cluster),
        replicated=copied,
    )


def _host(text: str, port: int) -> Host:
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError
    asked = int(found[2] or port)
    if not 0 < asked <= _PORT_MAX:
        raise ValueError
    return Host(found[1].strip("[]"), asked)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError
    return text


def _none_left(options: dict[str, str]) -> None:
    if options:
        raise ValueError
