"""Base addresses of servers, and whether the hosts behind them are this machine, private or public."""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from telephone.core.errors import UsageError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[IP]]
"""Maps a host and a port to all IP addresses of the host; raises OSError if it has none."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Endpoint:
    """The server that a model is called on."""

    url: str
    """Base URL without a trailing slash, such as `https://api.openai.com/v1`."""
    official: bool
    """Whether it is the provider's own server, the only one that may receive the provider's key."""

    @property
    def host(self) -> str:
        """Host name, with the port if the URL has one; also the name of a key for this server."""
        return urlsplit(self.url).netloc.lower()

    @property
    def loopback(self) -> bool:
        """Whether the URL names this machine literally; no resolver is asked."""
        name = urlsplit(self.url).hostname or ""
        return name == "localhost" or (_literal(name) or ipaddress.IPv4Address(0)).is_loopback

    @property
    def own_network(self) -> str:
        """The URL if the server is this machine or a plain http server, which is in a private network; else empty."""
        return self.url if self.loopback or urlsplit(self.url).scheme == "http" else ""


def resolve_endpoint(base_url: str | None, official_url: str) -> Endpoint:
    """Returns the server of the option `base_url`, else the provider's own.

    Args:
        base_url: the value of `base_url=`; None if the option is absent.
        official_url: base URL of the provider's own server.

    Raises:
        UsageError: it is not an http or https URL, or contains a password or a query, which would be stored.
    """
    if base_url is None:
        return Endpoint(official_url, True)
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError("The option base_url must be a URL such as https://host:8000/v1.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            "The option base_url must not contain a user name, password, query or fragment: put keys into the key file."
        )
    endpoint = Endpoint(f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"), False)
    return Endpoint(official_url, True) if endpoint.url == official_url else endpoint


def check_plain_http(endpoint: Endpoint, resolve: Resolver | None = None) -> None:
    """Checks that unencrypted requests stay on this machine or in a private network.

    Raises:
        UsageError: the URL uses http and its host has a public address.
    """
    parts = urlsplit(endpoint.url)
    if parts.scheme == "https":
        return
    try:
        found = (resolve or addresses)(parts.hostname or "", parts.port or 80)
    except OSError:
        return  # the connection fails with its own error
    if any(is_public(address) for address in found):
        raise UsageError(f"{endpoint.host} is a public server: use https in base_url.")


def addresses(host: str, port: int) -> list[IP]:
    """Returns all IP addresses of a host; the default `Resolver`.

    Raises:
        OSError: it has none.
    """
    literal = _literal(host)
    if literal is not None:
        return [literal]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def is_public(address: IP) -> bool:
    """Returns whether an address is on the public internet; an IPv6 address that embeds an IPv4 one counts as that."""
    embedded = _embedded_ipv4(address)
    if embedded is not None:
        return is_public(embedded)
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not address.is_private and not special


def is_this_machine(address: IP) -> bool:
    """Returns whether an address is a loopback address, also when it is embedded in an IPv6 address."""
    embedded = _embedded_ipv4(address)
    return embedded.is_loopback if embedded is not None else address.is_loopback


def _embedded_ipv4(address: IP) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _literal(host: str) -> IP | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
