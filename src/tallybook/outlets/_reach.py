"""Which addresses a webhook may reach: those of the public internet, and the networks that settings
allow. What was looked up here is what is connected to, so that no second answer of a name counts.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from tallybook.model.errors import Invalid, Unavailable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_PORTS: Final = {"https": 443, "http": 80}
_PUBLIC_V6: Final = IPv6Network("2000::/3")
#: Public by their number, but for protocols, for examples, or leading to an IPv4 address.
_SPECIAL: Final[tuple[Network, ...]] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)


class Refused(Exception):
    """The address may not be posted to; the text says why."""


def networks_of(text: str) -> tuple[Network, ...]:
    """Read networks that may be reached, with commas between them; an address is a network of one.

    Raises:
        Unavailable: `webhook_allow_wrong`.
    """
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as e:
        raise Unavailable(
            "webhook_allow_wrong",
            f"TALLYBOOK_WEBHOOK_ALLOW is a list of networks such as 10.0.0.0/8,fd00::/8: {e}.",
        ) from e


def parts_of(url: str) -> tuple[SplitResult, str, int]:
    """Read the address of a webhook: its parts, host and port.

    Raises:
        Invalid: `webhook_url_invalid`.
    """
    try:
        parts = urlsplit(url)
        usual = _PORTS[parts.scheme]
        host, port = parts.hostname, parts.port or usual
    except (KeyError, ValueError):  # another scheme, or no address at all
        parts, host, port = urlsplit(""), None, 0
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not (host and port and is_plain) or parts.username is not None or parts.fragment:
        raise Invalid(
            "webhook_url_invalid",
            "A webhook's address is https://host/path, without a user, a password or a fragment.",
            field="url",
        )
    return parts, host, port


def reach(scheme: str, host: str, port: int, allow: Sequence[Network]) -> list[str]:
    """Look a host up and return its addresses; not one of them may be forbidden.

    Raises:
        Refused: one is, or what is not allowed by name would go in the clear.
        OSError: nobody knows the host.
    """
    found = [str(at[0]) for *_, at in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        address = _plain(ip_address(text.partition("%")[0]))
        is_allowed = any(address in network for network in allow)
        if not is_allowed and not _is_public(address):
            raise Refused(
                f"{host} is {address}, which is not on the public internet; "
                "TALLYBOOK_WEBHOOK_ALLOW names networks that may be reached all the same"
            )
        if not is_allowed and scheme != "https":
            raise Refused("only https leaves for the public internet; change the webhook's address")
    return list(dict.fromkeys(found))


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one writes out."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _PUBLIC_V6:
        return False
    is_special = any(address in network for network in _SPECIAL)
    return address.is_global and not address.is_multicast and not is_special
