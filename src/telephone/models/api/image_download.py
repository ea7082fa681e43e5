"""Downloads an image from a URL in a provider's response: public https hosts only, with limits of size and time."""

import ssl
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from telephone.core.errors import ModelError, ModelUnavailable
from telephone.models.api.endpoints import IP, Endpoint, Resolver, addresses, is_public, is_this_machine
from telephone.models.api.error_mapping import RETRYABLE, mapped_errors, retry_after
from telephone.models.api.http_client import CONNECT_TIMEOUT
from telephone.models.api.sanitize import MAX_IMAGE_BYTES, data_url_bytes

if TYPE_CHECKING:
    import httpx2

MAX_REDIRECTS = 3
_HINT = "ask the server for the image itself (openai/…: extra.response_format=b64_json)"
RETRY_DELAYS = (0.5, 2.0)
"""Seconds between the attempts of a download."""


@dataclass(frozen=True)
class DownloadPolicy:
    """Limits of one download."""

    server: str = ""
    """URL of the provider's server if it is this machine or in a private network: the only server with a private
    address that may be contacted, also by http; the port must be the same."""
    max_bytes: int = MAX_IMAGE_BYTES
    seconds: float = 60.0
    """Deadline of the whole download, redirects included."""
    resolve: Resolver = addresses
    """Called once per URL; the connection uses the returned address, so that a second DNS answer has no effect."""
    trusted: ssl.SSLContext | None = None
    """Trusted certificates; None is the default of the system."""


@dataclass(frozen=True)
class _Target:
    """A URL that the policy permits, with the address of its host."""

    parts: SplitResult
    address: IP
    own_server: bool = False
    """Whether it is the provider's server in one's own network."""

    @property
    def host(self) -> str:
        """Host and port, for messages; the query is omitted because it may contain a signature."""
        return self.parts.netloc

    def request(self, client: "httpx2.Client") -> "httpx2.Request":
        """Returns a request to the checked IP address that names the original host."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        port = f":{self.parts.port}" if self.parts.port else ""
        query = f"?{self.parts.query}" if self.parts.query else ""
        url = f"{self.parts.scheme}://{host}{port}{self.parts.path or '/'}{query}"
        server_name = self.parts.hostname or ""
        headers = {"host": self.parts.netloc, "accept": "image/*", "accept-encoding": "identity"}
        return client.build_request("GET", url, headers=headers, extensions={"sni_hostname": server_name})


def download(url: str, endpoint: Endpoint, seconds: float) -> bytes:
    """Returns the image at a URL from a provider's response, in at most three attempts.

    These attempts are no retries of the model call: the image is already paid for, and downloading it again is free.

    Args:
        url: `https:` or `data:`, or a URL of the provider's own server, which may be relative to its base URL.
        endpoint: the provider's server.
        seconds: deadline of the whole download.

    Raises:
        ModelUnavailable: the download failed and may be retried.
        ModelError: the URL violates the policy, does not exist, or the image is too large.
    """
    if url[:5].lower() == "data:":
        return data_url_bytes(url)
    url, server = _joined(endpoint.url, url), endpoint.own_network
    deadline = time.monotonic() + min(seconds, 60.0)
    for delay in RETRY_DELAYS:
        try:
            return fetch(url, DownloadPolicy(server=server, seconds=max(0.1, deadline - time.monotonic())))
        except ModelUnavailable as error:
            wait = delay if error.retry_after is None else error.retry_after
            if time.monotonic() + wait >= deadline:
                raise
            time.sleep(wait)
    return fetch(url, DownloadPolicy(server=server, seconds=max(0.1, deadline - time.monotonic())))


def fetch(url: str, policy: DownloadPolicy) -> bytes:
    """Returns the content of a URL from a provider's response.

    The request contains no key and no cookie, and uses no proxy, which would resolve the host name again.

    Raises:
        ModelUnavailable: the download failed and may be retried.
        ModelError: the URL violates the policy, does not exist, or the content is too large.
    """
    deadline = time.monotonic() + policy.seconds
    target = check_url(url, policy)
    for _ in range(MAX_REDIRECTS + 1):
        with mapped_errors(target.host):
            found = _get(target, policy, deadline)
        if isinstance(found, bytes):
            return found
        target = _redirected(target, found, policy)
    raise ModelError(f"The image at {target.host} is redirected more than {MAX_REDIRECTS} times.")


def check_url(url: str, policy: DownloadPolicy) -> _Target:
    """Returns the resolved URL if the policy permits it.

    Raises:
        ModelUnavailable: the host cannot be resolved.
        ModelError: the scheme is not https (or http to this machine, where permitted), or the host is private.
    """
    parts = _parts(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and policy.server):
        raise ModelError(
            f"The URL of the image does not use https ({parts.scheme[:12]}): it is not downloaded; {_HINT}."
        )
    host = parts.hostname or ""
    try:
        found = policy.resolve(host, parts.port or _port(parts.scheme))
    except (OSError, UnicodeError):
        raise ModelUnavailable(f"The host {parts.netloc} of the image cannot be resolved.") from None
    if found and policy.server and _is_server(parts, found, policy.server):
        return _Target(parts, found[0], own_server=True)
    if not found or not all(is_public(address) for address in found):
        raise ModelError(f"The host {parts.netloc} of the image has a private address: it is not downloaded; {_HINT}.")
    if parts.scheme != "https":
        raise ModelError(f"The URL of the image at {parts.netloc} does not use https: it is not downloaded; {_HINT}.")
    return _Target(parts, found[0])


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base + "/", url)
    except ValueError:
        return url  # refused by `check_url`


def _is_server(parts: SplitResult, found: list[IP], server: str) -> bool:
    """Returns whether a URL is at the same scheme, host and port as the server; all names of this machine are one."""
    own = urlsplit(server)
    if parts.scheme != own.scheme or (parts.port or _port(parts.scheme)) != (own.port or _port(own.scheme)):
        return False
    loopback = Endpoint(server, official=False).loopback
    return all(is_this_machine(address) for address in found) if loopback else parts.hostname == own.hostname


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or len(url) > 4096:
        raise ModelError("The URL of the image is invalid: it is not downloaded.")
    return parts


def _redirected(target: _Target, location: str, policy: DownloadPolicy) -> _Target:
    """Checks the target of a redirect; https never leads to http, a public host never to a private one."""
    url = urljoin(target.parts.geturl(), location)
    if target.parts.scheme == "https" and not url.startswith("https:"):
        raise ModelError(f"The image at {target.host} is redirected from https to another scheme: not downloaded.")
    return check_url(url, replace(policy, server=policy.server if target.own_server else ""))


def _get(target: _Target, policy: DownloadPolicy, deadline: float) -> bytes | str:
    """Returns the body, or the location of a redirect."""
    import httpx2

    left = max(0.1, deadline - time.monotonic())
    timeout = httpx2.Timeout(left, connect=min(CONNECT_TIMEOUT, left))
    verify = policy.trusted if policy.trusted is not None else True
    with httpx2.Client(verify=verify, trust_env=False, follow_redirects=False, timeout=timeout) as client:
        response = client.send(target.request(client), stream=True)
        try:
            if response.status_code in (301, 302, 303, 307, 308) and "location" in response.headers:
                return str(response.headers["location"])
            _check_status(target, response)
            return _read(target, response, policy, deadline)
        finally:
            response.close()


def _check_status(target: _Target, response: "httpx2.Response") -> None:
    status = response.status_code
    if status in RETRYABLE or status >= 500:
        delay = retry_after(response.headers)
        raise ModelUnavailable(
            f"The download of the image from {target.host} failed ({status}): try again later.", delay
        )
    if status != 200:
        raise ModelError(f"The image is not at {target.host} ({status}).")


def _read(target: _Target, response: "httpx2.Response", policy: DownloadPolicy, deadline: float) -> bytes:
    """Counts raw bytes, before any decompression."""
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > policy.max_bytes:
            raise ModelError(f"The image at {target.host} is larger than {policy.max_bytes} bytes: it is not read.")
        if time.monotonic() > deadline:
            raise ModelUnavailable(f"The download of the image from {target.host} took over {policy.seconds:g} s.")
    return bytes(body)
