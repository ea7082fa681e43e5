"""Access: tokens, host names, limits of requests; and no token in any output."""

import asyncio
import json
import threading
import time

import httpx2
import openai
import pytest
from serving import serving, token_file, until

from telephone.core.errors import UsageError
from telephone.serve import AccessPolicy, read_token
from telephone.serve.access import is_loopback, policy_for
from telephone.serve.middleware import RequestGuard

TOKEN = "tok-Zx81-Spectrum-42-abcdef"
BODY = {"model": "fake/painter", "prompt": "x"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gpu-box", "10.0.0.1"])
def test_other_machines_need_a_token(host):
    with pytest.raises(UsageError, match="TELEPHONE_TOKEN"):
        policy_for(host, "", 64)
    assert policy_for(host, TOKEN, 64).hosts == frozenset()
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_this_machine_needs_none(host):
    policy = policy_for(host, "", 64)
    assert policy.accepts_token("")
    assert policy.accepts_host(f"[{host}]:8000" if ":" in host else f"{host}:8000")
    assert not policy.accepts_host("evil.example:8000")


def test_tokens_come_from_the_environment_or_a_safe_file(monkeypatch, tmp_path):
    assert read_token() == ""
    monkeypatch.setenv("TELEPHONE_TOKEN", TOKEN)
    assert read_token() == TOKEN
    assert read_token(token_file(tmp_path, TOKEN[::-1])) == TOKEN[::-1]
    assert TOKEN not in repr(AccessPolicy(TOKEN))
    for text, mode, says in (
        (TOKEN, 0o644, "chmod 600"), ("short", 0o600, "16 or more"), ("", 0o600, "16 or more"),
        ("two words that are long enough", 0o600, "ASCII"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says) as raised:
            read_token(token_file(tmp_path, text, mode))
        assert not text or text not in str(raised.value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_token(tmp_path / "gone")


def test_without_the_token_nobody_is_let_in(connect, capfd):
    with serving(["fake/painter"], AccessPolicy(TOKEN)) as url:
        assert connect(url, api_key=TOKEN).images.generate(**BODY).data
        for key in ("none", TOKEN[:-1], TOKEN + "x"):
            with pytest.raises(openai.AuthenticationError) as raised:
                connect(url, api_key=key).images.generate(**BODY)
            assert raised.value.code == "invalid_api_key"
            with pytest.raises(openai.AuthenticationError):
                connect(url, api_key=key).models.list()
        assert httpx2.get(url.removesuffix("/v1") + "/health").json() == {"status": "ok"}
    assert TOKEN not in "".join(capfd.readouterr())


def test_a_web_page_cannot_ask_in_a_browsers_name(address):
    call = {"url": f"{address}/images/generations", "content": json.dumps(BODY)}
    kind = {"content-type": "application/json"}
    assert httpx2.post(**call, headers=kind).status_code == 200
    assert httpx2.post(**call, headers={"content-type": "text/plain"}).status_code == 415
    found = httpx2.post(**call, headers={**kind, "host": "evil.example"})
    assert found.status_code == 200, "a server on policy without names answers to any"
    with serving(["fake/painter"], policy_for("127.0.0.1", "", 64)) as url:
        found = httpx2.post(f"{url}/images/generations", json=BODY, headers={"host": "evil.example"})
        assert (found.status_code, found.json()["error"]["code"]) == (403, "wrong_host")
        assert httpx2.post(f"{url}/images/generations", json=BODY).status_code == 200


def test_large_requests_are_not_read(connect):
    with serving(["fake/painter"], AccessPolicy(body=10_000)) as url:
        with pytest.raises(openai.APIStatusError) as raised:
            connect(url).images.generate(model="fake/painter", prompt="x" * 20_000)
        assert (raised.value.status_code, raised.value.body["code"]) == (413, "request_too_large")
        # A body that does not say how long it is.
        parts = (b"x" * 1000 for _ in range(100))
        found = httpx2.post(f"{url}/images/generations", content=parts, headers={"content-type": "application/json"})
        assert found.status_code == 413
        assert connect(url).images.generate(**BODY).data


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null", b'"x"', b"[" * 5000])
def test_bodies_that_are_nothing(address, body):
    found = httpx2.post(f"{address}/images/generations", content=body, headers={"content-type": "application/json"})
    assert (found.status_code, found.json()["error"]["type"]) == (400, "invalid_request_error")


def test_when_too_many_wait_the_next_is_told_to_come_again(connect):
    with serving(["slow=fake/painter?delay=1&batch=1"], AccessPolicy(max_requests=2)) as url:
        client = connect(url)
        found: list[object] = []

        def ask(number: int) -> None:
            try:
                found.append(client.images.generate(model="slow", prompt=f"x{number}"))
            except openai.APIStatusError as error:
                found.append((error.status_code, error.response.headers["retry-after"]))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found.count((429, "1")) == 3
        assert client.images.generate(model="slow", prompt="y").data, "and there is room again"


def test_who_has_gone_is_not_drawn_for(connect, tmp_path):
    log = tmp_path / "log"
    with serving([f"slow=fake/painter?delay=0.5&batch=1&log={log}"]) as url:
        impatient = connect(url, timeout=0.2)
        first = threading.Thread(target=connect(url).images.generate, kwargs={"model": "slow", "prompt": "a"})
        first.start()
        time.sleep(0.1)
        for number in range(4):
            with pytest.raises(openai.APITimeoutError):
                impatient.images.generate(model="slow", prompt=f"x{number}")
        first.join()
        connect(url).images.generate(model="slow", prompt="z")
    assert len(log.read_text().splitlines()) < 6


def test_a_request_that_never_arrives_is_given_up():
    sent: list[dict] = []

    async def never(scope, receive, send) -> None:
        raise AssertionError("nothing to hand on")

    async def receive() -> dict:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/embeddings", "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(RequestGuard(never, AccessPolicy(max_body_seconds=0.1))(scope, receive, send))
    assert sent[0]["status"] == 408


def test_until_gives_up():
    with pytest.raises(AssertionError):
        until(lambda: False, seconds=0.02)
