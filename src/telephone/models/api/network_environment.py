"""Checks the environment variables that every connection depends on; a wrong one would end each game for itself."""

import importlib.util
import ssl
from pathlib import Path

from telephone.core import settings
from telephone.core.errors import UsageError

PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy")
_SOCKS = ("socks5", "socks5h")


def check_network_environment() -> None:
    """Checks the variables of proxies and certificates that the HTTP clients read.

    Raises:
        UsageError: one of them cannot be used; the message names it, and never its value, which may hold a password.
    """
    found = settings.values(*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
    for name in PROXIES:
        if name in found:
            _check_proxy(name, found[name])
    if "SSL_CERT_FILE" in found:
        _check_certificates(found["SSL_CERT_FILE"])
    if "SSL_CERT_DIR" in found and not Path(found["SSL_CERT_DIR"]).is_dir():
        raise UsageError("The variable SSL_CERT_DIR names no folder: correct it, or unset it.")
    if "SSLKEYLOGFILE" in found:
        _check_log(found["SSLKEYLOGFILE"])


def _check_proxy(name: str, value: str) -> None:
    scheme, separator, _ = value.strip().lower().partition("://")
    if not separator or scheme in ("http", "https"):
        return
    if scheme not in _SOCKS:
        raise UsageError(f"The variable {name} names a proxy that is none of http, https and socks5: correct it.")
    if importlib.util.find_spec("socksio") is None:
        raise UsageError(
            f"The variable {name} names a SOCKS proxy, which needs the package socksio: run `pip install socksio`, or "
            "unset the variable."
        )


def _check_certificates(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except OSError as error:
        reason = error.strerror or "no certificate in it"
        raise UsageError(
            f"The file of the variable SSL_CERT_FILE cannot be used ({reason}): correct the variable, or unset it."
        ) from None


def _check_log(path: str) -> None:
    try:
        with Path(path).open("ab"):
            pass
    except OSError as error:
        raise UsageError(
            f"The file of the variable SSLKEYLOGFILE cannot be written ({error.strerror}): correct the variable, or "
            "unset it."
        ) from None
