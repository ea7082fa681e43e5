"""Endpoints: the option base_url, and which hosts may be called without encryption."""

import ipaddress

import pytest

from telephone.core.errors import UsageError
from telephone.models.api.endpoints import Endpoint, addresses, check_plain_http, is_this_machine, resolve_endpoint


def at(*found: str):
    return lambda host, port: [ipaddress.ip_address(each) for each in found]


def test_places():
    assert resolve_endpoint(None, "https://api.openai.com/v1") == Endpoint("https://api.openai.com/v1", True)
    assert resolve_endpoint("https://api.openai.com/v1/", "https://api.openai.com/v1").official
    here = resolve_endpoint("http://127.0.0.1:8000/v1/", "https://x")
    assert (here.url, here.official, here.host, here.loopback) == (
        "http://127.0.0.1:8000/v1",
        False,
        "127.0.0.1:8000",
        True,
    )
    assert resolve_endpoint("http://localhost/v1", "https://x").loopback
    assert not resolve_endpoint("https://127.0.0.1.example.com", "https://x").loopback
    assert is_this_machine(ipaddress.ip_address("::ffff:127.0.0.1"))
    assert [str(each) for each in addresses("127.0.0.1", 80)] == ["127.0.0.1"]


def test_what_is_not_encrypted_stays_in_the_house():
    check_plain_http(Endpoint("http://gpu-box:8000/v1", False), at("192.168.1.5"))
    check_plain_http(Endpoint("https://far.example/v1", False), at("93.184.216.34"))
    with pytest.raises(UsageError, match="use https"):
        check_plain_http(Endpoint("http://far.example/v1", False), at("93.184.216.34"))
