"""Which machines may be talked to: the address of a server, and whether what it resolves to is here or out there."""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from telephone.core.errors import UsageError

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[IP]]
"""From a host and a port to every address that it has; raises OSError if it has none."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Endpoint:
    """A server that speaks some provider's language."""

    url: str
    """Its base address without a slash at the end, such as `https://api.openai.com/v1`."""
    own: bool
    """Whether it is the provider's own machine, the only one that may see the provider's key."""

    @property
    def host(self) -> str:
        """The machine, with its port if one is given; what a key of its own is called after."""
        return urlsplit(self.url).netloc.lower()

    @property
    def loopback(self) -> bool:
        """Whether it is this very machine, by its address and not by what a resolver says."""
        name = urlsplit(self.url).hostname or ""
        return name == "localhost" or (_literal(name) or ipaddress.IPv4Address(0)).is_loopback


def place(option: str | None, own: str) -> Endpoint:
    """Returns the server that an option asks for, else the provider's own.

    Args:
        option: the value of `base_url=`, if it is given.
        own: the provider's own base address.

    Raises:
        UsageError: it is no http or https address, or holds a password or a query, which would be written down.
    """
    if option is None:
        return Endpoint(own, True)
    try:
        parts = urlsplit(option.strip())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError("The option base_url must be an address such as https://host:8000/v1.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            "The option base_url must hold no name, password, question mark or #: keys have a file of their own."
        )
    made = Endpoint(f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/"), False)
    return Endpoint(own, True) if made.url == own else made


def check_plain_http(where: Endpoint, resolve: Resolver | None = None) -> None:
    """Checks that what is not encrypted stays in this house.

    Raises:
        UsageError: the place is addressed by http and is out on the internet, where anybody can read along.
    """
    parts = urlsplit(where.url)
    if parts.scheme == "https":
        return
    try:
        found = (resolve or addresses)(parts.hostname or "", parts.port or 80)
    except OSError:
        return  # the connection fails anyway, and says so
    if any(is_public(address) for address in found):
        raise UsageError(f"{where.host} is out on the internet: address it by https.")


def addresses(host: str, port: int) -> list[IP]:
    """Returns every address of a host; the usual `Resolver`.

    Raises:
        OSError: it has none.
    """
    literal = _literal(host)
    if literal is not None:
        return [literal]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def is_public(address: IP) -> bool:
    """Returns whether an address is out on the internet; one that wraps another is judged by what it wraps too."""
    wrapped = _wrapped(address)
    if wrapped is not None:
        return is_public(wrapped)
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not address.is_private and not odd


def is_here(address: IP) -> bool:
    """Returns whether an address is this machine."""
    wrapped = _wrapped(address)
    return wrapped.is_loopback if wrapped is not None else address.is_loopback


def _wrapped(address: IP) -> ipaddress.IPv4Address | None:
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
