"""On what terms strangers are let in: the token, the machines that may ask without one, and how much they may send."""

import hmac
import ipaddress
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from telephone.core import settings
from telephone.core.errors import UsageError

VARIABLE = "TELEPHONE_TOKEN"
SHORTEST = 16
"""Characters of a token; anything shorter could be guessed over a network."""
_MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True)
class Terms:
    """What a request must show and may hold."""

    token: str = field(default="", repr=False)
    """What callers must know; empty asks nobody, which only a server for this machine alone may do."""
    hosts: frozenset[str] = frozenset()
    """The names by which the server may be called; empty is any. It keeps web pages in a browser here from asking."""
    waiting: int = 64
    """Requests at a time, those in work included; one more is told to come again."""
    body: int = 24 * 2**20
    """Bytes of a request."""
    body_seconds: float = 60.0
    """Seconds in which a request must have arrived."""

    def admits(self, authorization: str) -> bool:
        """Returns whether a header `Bearer TOKEN` holds the token; takes as long for a near miss as for any other."""
        kind, _, value = authorization.partition(" ")
        given = value.strip().encode(errors="replace") if kind.lower() == "bearer" else b""
        return not self.token or hmac.compare_digest(given, self.token.encode())

    def answers_to(self, header: str) -> bool:
        """Returns whether the server may be called by the name in a `Host` header, its port aside."""
        name = header.strip().lower()
        bare = name[: name.find("]") + 1] if name.startswith("[") else name.partition(":")[0]
        return not self.hosts or bare in self.hosts


def terms_for(host: str, token: str, waiting: int) -> Terms:
    """Returns the terms of a server at an address.

    Args:
        host: where it listens.
        token: what callers must show; empty is nothing.
        waiting: requests at a time.

    Raises:
        UsageError: other machines could ask it, and there is no token.
    """
    if not token and not is_loopback(host):
        raise UsageError(
            f"Other machines can reach {host}, so callers need a token: run `{_MAKE}`, put what it prints into "
            f"{VARIABLE} or a file for --token-file, and give it to them."
        )
    here = frozenset({"localhost", "127.0.0.1", "[::1]", host.lower(), f"[{host.lower()}]"})
    return Terms(token, frozenset() if token else here, waiting)


def token_of(path: Path | None = None) -> str:
    """Returns the token from a file that only its owner can read, else from the environment, else nothing.

    Raises:
        UsageError: the file cannot be read or others can read it, or the token is too short or holds odd characters.
    """
    raw = settings.secret(VARIABLE) or "" if path is None else _read(path)
    token = raw.strip()
    if path is None and not token:
        return ""
    source = VARIABLE if path is None else str(path)
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"The token in {source} must be {SHORTEST} or more plain characters: make one with `{_MAKE}`.")
    return token


def is_loopback(host: str) -> bool:
    """Returns whether a server at this address can be asked from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path: Path) -> str:
    """Checks the file that was opened and not its path, so that nobody can put another one in between."""
    try:
        with path.open(encoding="ascii") as file:
            found = os.fstat(file.fileno())
            if os.name == "posix" and (not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077):
                raise UsageError(f"The token file {path} can be read by others: run `chmod 600 {path}`.")
            return file.read(4096)
    except OSError as error:
        raise UsageError(f"The token file {path} cannot be read ({error.strerror}): check its path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The token file {path} holds no plain characters: make a token with `{_MAKE}`.") from None
