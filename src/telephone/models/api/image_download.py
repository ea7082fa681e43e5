"""The download of a picture whose address came in an answer: from the open internet only, small, soon, no detours."""

import ssl
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from telephone.core.errors import ModelError, ModelUnavailable
from telephone.models.api.endpoints import IP, Resolver, addresses, is_here, is_public
from telephone.models.api.error_mapping import PASSING, retry_after, told
from telephone.models.api.http_client import CONNECT
from telephone.models.api.sanitize import MAX_PICTURE, embedded

if TYPE_CHECKING:
    import httpx2

REDIRECTS = 3
PAUSES = (0.5, 2.0)
"""Seconds between the tries of a download."""


@dataclass(frozen=True)
class DownloadGuard:
    """The rules of one download."""

    local: bool = False
    """Whether this machine may be asked, by http too: only where the provider itself was addressed here."""
    size: int = MAX_PICTURE
    """Bytes; more is not read."""
    seconds: float = 60.0
    """For the whole download, redirects included."""
    resolve: Resolver = addresses
    """Asked once for each address; the connection goes to what it said, so that a second answer cannot differ."""
    trusted: ssl.SSLContext | None = None
    """Which certificates are believed; None is the usual ones."""


@dataclass(frozen=True)
class _Target:
    """An address that has passed the rules."""

    parts: SplitResult
    address: IP

    @property
    def who(self) -> str:
        """The machine, for messages: a query may hold a signature and is never told."""
        return self.parts.netloc

    @property
    def here(self) -> bool:
        return is_here(self.address)

    def request(self, client: "httpx2.Client") -> "httpx2.Request":
        """Asks the address that was checked, in the name of the host that was meant."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        port = f":{self.parts.port}" if self.parts.port else ""
        query = f"?{self.parts.query}" if self.parts.query else ""
        url = f"{self.parts.scheme}://{host}{port}{self.parts.path or '/'}{query}"
        named = self.parts.hostname or ""
        headers = {"host": self.parts.netloc, "accept": "image/*", "accept-encoding": "identity"}
        return client.build_request("GET", url, headers=headers, extensions={"sni_hostname": named})


def download(url: str, local: bool, seconds: float) -> bytes:
    """Returns the picture at an address that a provider has sent, asked for up to three times.

    This is no retry of a call: the picture has been paid for, and asking for the file again costs nothing, while
    asking for another picture does.

    Args:
        url: `https:`, `data:`, or `http:` where `local`.
        local: whether the provider itself was addressed on this machine.
        seconds: for the whole download.

    Raises:
        ModelUnavailable: it did not come.
        ModelError: the address breaks a rule, there is nothing, or it is too large.
    """
    if url[:5].lower() == "data:":
        return embedded(url)
    end = time.monotonic() + min(seconds, 60.0)
    for pause in PAUSES:
        try:
            return fetch(url, DownloadGuard(local=local, seconds=max(0.1, end - time.monotonic())))
        except ModelUnavailable as error:
            wait = pause if error.retry_after is None else error.retry_after
            if time.monotonic() + wait >= end:
                raise
            time.sleep(wait)
    return fetch(url, DownloadGuard(local=local, seconds=max(0.1, end - time.monotonic())))


def fetch(url: str, door: DownloadGuard) -> bytes:
    """Returns what lies at an address that a provider has sent.

    Nothing of ours goes along: no key, no cookie; and no proxy is asked, which would resolve the name again.

    Raises:
        ModelUnavailable: it did not come this time.
        ModelError: the address breaks a rule, there is nothing, or it is too large.
    """
    deadline = time.monotonic() + door.seconds
    target = check(url, door)
    for _ in range(REDIRECTS + 1):
        with told(target.who):
            found = _get(target, door, deadline)
        if isinstance(found, bytes):
            return found
        target = _next(target, found, door)
    raise ModelError(f"The answer's picture at {target.who} is redirected more than {REDIRECTS} times.")


def check(url: str, door: DownloadGuard) -> _Target:
    """Returns the address, resolved, if the rules allow it.

    Raises:
        ModelUnavailable: its host is not known to the resolver.
        ModelError: it is not https (or http to this machine, where that is allowed), or leads into a private net.
    """
    parts = _parts(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and door.local):
        raise ModelError(
            f"The answer's picture has an address that is not https ({parts.scheme[:12]}): it is not fetched."
        )
    host = parts.hostname or ""
    try:
        found = door.resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
    except (OSError, UnicodeError):
        raise ModelUnavailable(f"The host {parts.netloc} of the answer's picture is not known.") from None
    here = [is_here(address) for address in found]
    if door.local and found and all(here):
        return _Target(parts, found[0])
    if not found or not all(is_public(address) for address in found):
        raise ModelError(f"The answer's picture lies at {parts.netloc}, a private address: it is not fetched.")
    if parts.scheme != "https":
        raise ModelError(f"The answer's picture at {parts.netloc} is not at an https address: it is not fetched.")
    return _Target(parts, found[0])


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or len(url) > 4096:
        raise ModelError("The answer's picture has an address that cannot be used: it is not fetched.")
    return parts


def _next(target: _Target, location: str, door: DownloadGuard) -> _Target:
    """A redirect must not lead from https to http, nor from out there to here."""
    url = urljoin(target.parts.geturl(), location)
    if target.parts.scheme == "https" and not url.startswith("https:"):
        raise ModelError(
            f"The answer's picture at {target.who} is redirected from https to something else: not fetched."
        )
    return check(url, replace(door, local=door.local and target.here))


def _get(target: _Target, door: DownloadGuard, deadline: float) -> bytes | str:
    """Returns the body, or where a redirect leads to."""
    import httpx2

    left = max(0.1, deadline - time.monotonic())
    timeout = httpx2.Timeout(left, connect=min(CONNECT, left))
    verify = door.trusted if door.trusted is not None else True
    with httpx2.Client(verify=verify, trust_env=False, follow_redirects=False, timeout=timeout) as client:
        response = client.send(target.request(client), stream=True)
        try:
            if response.status_code in (301, 302, 303, 307, 308) and "location" in response.headers:
                return str(response.headers["location"])
            _check_status(target, response)
            return _read(target, response, door, deadline)
        finally:
            response.close()


def _check_status(target: _Target, response: "httpx2.Response") -> None:
    status = response.status_code
    if status in PASSING or status >= 500:
        wait = retry_after(response.headers)
        raise ModelUnavailable(f"The answer's picture at {target.who} did not come ({status}): try again later.", wait)
    if status != 200:
        raise ModelError(f"The answer's picture is not at {target.who} ({status}).")


def _read(target: _Target, response: "httpx2.Response", door: DownloadGuard, deadline: float) -> bytes:
    """Counts what comes over the line, before anything unpacks it."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > door.size:
            raise ModelError(f"The answer's picture at {target.who} is larger than {door.size} bytes: it is not read.")
        if time.monotonic() > deadline:
            raise ModelUnavailable(f"The answer's picture at {target.who} took longer than {door.seconds:g} s.")
    return bytes(body)
