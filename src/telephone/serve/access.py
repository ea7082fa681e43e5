"""Access policy of the server: token, accepted host names, and limits on requests."""

import hmac
import ipaddress
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.core.file_names import shell_word

VARIABLE = "TELEPHONE_TOKEN"
SHORTEST = 16
"""Minimum number of characters of a token; a shorter one could be guessed over a network."""
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.%]+\]|[^\[\]:@/\\?#\s]+)(?::\d{1,5})?")
_MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True)
class AccessPolicy:
    """What a request must present and how large it may be."""

    token: str = field(default="", repr=False)
    """Required bearer token; empty requires none, which is allowed on loopback addresses only."""
    hosts: frozenset[str] = frozenset()
    """Accepted `Host` names; empty accepts any. It stops web pages in a local browser from calling the server."""
    max_requests: int = 64
    """Maximum number of requests at a time, running ones included; further ones receive 429."""
    body: int = 24 * 2**20
    """Maximum bytes of a request body."""
    max_body_seconds: float = 60.0
    """Seconds in which a request body must have arrived."""
    max_header_seconds: float = 10.0
    """Seconds in which the headers of a request must have arrived, and in which an unread response is sent."""
    max_connections: int = 512
    """Maximum number of open connections, idle ones included; further ones are closed at once."""

    def accepts_token(self, authorization: str) -> bool:
        """Returns whether a header `Bearer TOKEN` holds the token, compared in constant time."""
        kind, _, value = authorization.partition(" ")
        given = value.strip().encode(errors="replace") if kind.lower() == "bearer" else b""
        return not self.token or hmac.compare_digest(given, self.token.encode())

    def accepts_host(self, header: str) -> bool:
        """Returns whether the name in a `Host` header is accepted; the port is ignored."""
        found = _HOST.fullmatch(header.strip().lower())
        return not self.hosts or (found is not None and found["name"] in self.hosts)


def policy_for(host: str, token: str, max_requests: int) -> AccessPolicy:
    """Returns the policy of a server at an address.

    Args:
        host: where it listens.
        token: required token; empty requires none.
        max_requests: requests at a time.

    Raises:
        UsageError: other machines can reach the address, and there is no token.
    """
    if not token and not is_loopback(host):
        raise UsageError(
            f"Other machines can reach {host}, so a token is needed: run `{_MAKE}`, put its output into "
            f"{VARIABLE} or a file for --token-file, and give it to the clients."
        )
    here = frozenset({"localhost", "127.0.0.1", "[::1]", host.lower(), f"[{host.lower()}]"})
    return AccessPolicy(token, frozenset() if token else here, max_requests)


def read_token(path: Path | None = None) -> str:
    """Returns the token from a file that only its owner can read, else from the environment, else an empty text.

    Raises:
        UsageError: the file cannot be read or others can read it, or the token is too short or has invalid characters.
    """
    raw = settings.secret(VARIABLE) or "" if path is None else _read(path)
    token = raw.strip()
    if path is None and not token:
        return ""
    source = VARIABLE if path is None else str(path)
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"The token in {source} must be {SHORTEST} or more printable ASCII characters: make one with `{_MAKE}`."
        )
    return token


def is_loopback(host: str) -> bool:
    """Returns whether a server at this address can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path: Path) -> str:
    """Checks the opened file and not its path, so that the file cannot be exchanged in between."""
    try:
        with path.open(encoding="ascii") as file:
            found = os.fstat(file.fileno())
            if os.name == "posix" and (not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077):
                raise UsageError(f"The token file {path} can be read by others: run `chmod 600 {shell_word(path)}`.")
            return file.read(4096)
    except OSError as error:
        raise UsageError(f"The token file {path} cannot be read ({error.strerror}): check its path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The token file {path} is not ASCII text: make a token with `{_MAKE}`.") from None
