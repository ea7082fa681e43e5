"""Downloads of images: every URL is resolved and checked, and the checked address is used, also after a redirect."""

import ipaddress
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from misbehaving import Server

from telephone.core.errors import ModelError, ModelUnavailable
from telephone.models.api.endpoints import Endpoint, is_public
from telephone.models.api.image_download import DownloadPolicy, check_url, download, fetch


def at(*found: str):
    return lambda host, port: [ipaddress.ip_address(each) for each in found]


PRIVATE = [
    "10.1.2.3",
    "127.0.0.1",
    "0.0.0.0",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "2002:0a00:0001::1",
    "64:ff9b::10.0.0.1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_asked(address):
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(ModelError, match="private address"):
        check_url("https://pictures.example/a.png", DownloadPolicy(resolve=at(address)))
    with pytest.raises(ModelError, match="private address"):
        check_url("https://pictures.example/a.png", DownloadPolicy(resolve=at("93.184.216.34", address)))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_ones_are(address):
    assert is_public(ipaddress.ip_address(address))
    assert str(check_url("https://p.example/a", DownloadPolicy(resolve=at(address))).address) == str(
        ipaddress.ip_address(address)
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/a.png",
        "ftp://p.example/a",
        "file:///etc/passwd",
        "https://",
        "https://me:pass@p.example/a",
        "https://p.example:99999/a",
        "https://p.example/\n",
        "https://[::1",
        "//p.example/a",
        "javascript:alert(1)",
        "https://p.example/" + "a" * 5000,
        "https://exämple.com/",
        "",
    ],
)
def test_other_addresses_are_refused_unasked(url):
    with pytest.raises(ModelError):
        check_url(url, DownloadPolicy(resolve=at("93.184.216.34")))


HERE = "http://127.0.0.1:8000/v1"


def test_http_is_for_the_providers_own_server_alone():
    with pytest.raises(ModelError, match="does not use https.*extra.response_format=b64_json"):
        check_url("http://p.example/a", DownloadPolicy(server=HERE, resolve=at("93.184.216.34")))
    with pytest.raises(ModelError, match="private address.*extra.response_format=b64_json"):
        check_url("http://p.example/a", DownloadPolicy(server=HERE, resolve=at("10.0.0.1")))
    with pytest.raises(ModelError, match="private"):
        check_url("http://p.example:8000/a", DownloadPolicy(server=HERE, resolve=at("127.0.0.1", "93.184.216.34")))
    for name in ("localhost", "127.0.0.1", "[::1]"):
        assert check_url(f"http://{name}:8000/a", DownloadPolicy(server=HERE)).own_server


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/a", "http://localhost/a", "https://127.0.0.1:8000/a"])
def test_a_provider_here_leads_to_no_other_port_of_this_machine(url):
    with pytest.raises(ModelError, match="private"):
        check_url(url, DownloadPolicy(server=HERE))


def test_a_server_in_ones_own_network_leads_to_itself_alone():
    policy = DownloadPolicy(server="http://gpu-box:8000/v1", resolve=at("10.0.0.7"))
    assert check_url("http://gpu-box:8000/files/a.png", policy).own_server
    for url in ("http://gpu-box/a", "http://other:8000/a", "https://gpu-box:8000/a", "http://10.0.0.7:8000/a"):
        with pytest.raises(ModelError, match="private"):
            check_url(url, policy)


@pytest.mark.parametrize("odd", ["http://2130706433/", "http://0x7f000001/", "http://127.1/"])
def test_odd_spellings_of_this_machine_are_seen_through(odd):
    with pytest.raises(ModelError):
        check_url(odd.replace("http", "https"), DownloadPolicy())


def test_an_unresolvable_host_is_retryable():
    def fail_to_resolve(host, port):
        raise OSError("no such host")

    with pytest.raises(ModelUnavailable, match="cannot be resolved"):
        check_url("https://p.example/a", DownloadPolicy(resolve=fail_to_resolve))


def local(server: Server, **more) -> DownloadPolicy:
    return DownloadPolicy(**{"server": server.url, "seconds": 5, **more})


def base(server: Server) -> str:
    return server.url.removesuffix("/v1")


def test_a_page_is_read_up_to_a_limit(server):
    server.pages["/a.png"] = ("image/png", b"x" * 1000)
    server.pages["/a.png?signature=1"] = ("image/png", b"signed")
    assert fetch(f"{base(server)}/a.png?signature=1", local(server)) == b"signed"
    assert fetch(f"{base(server)}/a.png", local(server)) == b"x" * 1000
    with pytest.raises(ModelError, match="larger than 999"):
        fetch(f"{base(server)}/a.png", local(server, max_bytes=999))
    with pytest.raises(ModelError, match="private"):
        fetch(f"{base(server).replace('http', 'https')}/a.png", DownloadPolicy())


def test_redirects_are_followed_a_little_way(server):
    server.pages["/end.png"] = ("image/png", b"end")
    for number in range(4):
        server.redirects[f"/{number}"] = f"/{number + 1}"
    server.redirects["/4"] = "/end.png"
    assert fetch(f"{base(server)}/2", local(server)) == b"end"
    with pytest.raises(ModelError, match="more than 3 times"):
        fetch(f"{base(server)}/0", local(server))


@pytest.mark.parametrize(
    "to", ["https://10.0.0.1/a", "http://169.254.169.254/latest", "file:///etc/passwd", "gopher://x"]
)
def test_a_redirect_to_a_private_place_is_not_followed(server, to):
    server.redirects["/a"] = to
    with pytest.raises(ModelError):
        fetch(f"{base(server)}/a", local(server))


def test_what_is_missing_is_missing_and_what_hangs_ends(server):
    with pytest.raises(ModelError, match="404"):
        fetch(f"{base(server)}/nothing", local(server))
    server.latency = 2.5
    started = time.monotonic()
    with pytest.raises(ModelUnavailable):
        fetch(f"{base(server)}/nothing", local(server, seconds=0.3))
    assert time.monotonic() - started < 2.4


def test_nobody_there_is_unavailable():
    with Server() as gone:
        url, policy = f"{base(gone)}/a.png", local(gone)
    with pytest.raises(ModelUnavailable, match="lost or refused"):
        fetch(url, policy)


def test_a_paid_picture_is_asked_for_again(server):
    server.pages["/a.png"] = ("image/png", b"late")
    server.outages["/a.png"] = 2
    endpoint = Endpoint(server.url, official=False)
    assert download(f"{base(server)}/a.png", endpoint, seconds=10) == b"late"
    assert len(server.requests) == 3
    server.outages["/a.png"] = 3
    with pytest.raises(ModelUnavailable, match="503"):
        download(f"{base(server)}/a.png", endpoint, seconds=10)
    for relative in ("/a.png", "../a.png", f"//127.0.0.1:{server.port}/a.png"):
        assert download(relative, endpoint, seconds=10) == b"late"
    with pytest.raises(ModelError, match="private"):
        download("//10.0.0.1/a.png", endpoint, seconds=10)
    with pytest.raises(ModelError, match="invalid"):
        download("http://[", endpoint, seconds=10)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The two ends of TLS, with a certificate for pictures.test."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    folder: Path = tmp_path_factory.mktemp("tls")
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=pictures.test", "-addext", "subjectAltName=DNS:pictures.test"]
    where = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([openssl, *made, *names, *where], check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return serving, ssl.create_default_context(cafile=str(folder / "cert.pem"))


def test_over_tls_the_name_is_checked_at_the_address_that_was_judged(secured):
    serving, trusted = secured
    with Server(tls=serving) as server:
        server.pages["/a.png"] = ("image/png", b"safe")
        server.redirects["/down"] = "http://pictures.test/a.png"
        server.redirects["/over"] = f"https://127.0.0.1:{server.port}/a.png"
        policy = local(server, resolve=at("127.0.0.1"), trusted=trusted)
        where = f"https://pictures.test:{server.port}"
        assert fetch(f"{where}/a.png", policy) == b"safe"
        assert server.requests[-1]["headers"]["host"] == f"pictures.test:{server.port}"
        with pytest.raises(ModelError, match="from https to another scheme"):
            fetch(f"{where}/down", policy)
        with pytest.raises(ModelUnavailable):  # a certificate for another name is no connection
            fetch(f"https://other.test:{server.port}/a.png", policy)


def test_from_out_there_no_redirect_leads_here():
    from dataclasses import replace

    from telephone.models.api.image_download import _redirected

    policy = DownloadPolicy(
        server=HERE, resolve=lambda host, port: at("127.0.0.1" if host == "localhost" else "93.184.216.34")(host, port)
    )
    outside = check_url("https://p.example/a", policy)
    with pytest.raises(ModelError, match="private"):
        _redirected(outside, "https://localhost/a", policy)
    assert _redirected(outside, "/b", replace(policy)).parts.path == "/b"
