"""Variables of proxies and certificates that cannot be used stop a command before the first call."""

import importlib.util

import pytest

from telephone import models
from telephone.core.errors import UsageError
from telephone.models.api.network_environment import PROXIES, check_network_environment

FIND = importlib.util.find_spec
NAMES = (*PROXIES, "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-a-test")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ALL_PROXY", "socks5://me:secret@127.0.0.1:1080", "ALL_PROXY names a SOCKS proxy.*pip install socksio"),
        ("https_proxy", "socks5h://127.0.0.1:1080", "https_proxy names a SOCKS proxy"),
        ("HTTP_PROXY", "ftp://secret:1", "HTTP_PROXY names a proxy that is none of http, https and socks5"),
        ("SSL_CERT_FILE", "/none/ca.pem", "SSL_CERT_FILE cannot be used .No such file"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE cannot be used .*certificate"),
        ("SSL_CERT_DIR", "/none", "SSL_CERT_DIR names no folder"),
        ("SSLKEYLOGFILE", "/none/keys", "SSLKEYLOGFILE cannot be written .No such file"),
        ("SSLKEYLOGFILE", "/", "SSLKEYLOGFILE cannot be written"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, name, value, message):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None if package == "socksio" else FIND(package))
    monkeypatch.setenv(name, value)
    generator = models.load_model("openai/m?kind=text2image")
    for act in (lambda: generator.generate_images(["x"]), check_network_environment):
        with pytest.raises(UsageError, match=message) as raised:
            act()
        assert "secret" not in str(raised.value)
    assert name in generator.lacks()
    assert models.load_model("openai/m?kind=text2image&base_url=http://127.0.0.1:9/v1").lacks() == ""


def test_variables_that_can_be_used(monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", " ")
    check_network_environment()
