"""The official client against a server that draws, reads and misbehaves: every fault has one outcome."""

import base64
import json

import numpy as np
import pytest
from misbehaving import Server
from PIL import Image

from telephone import models
from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, UsageError
from telephone.core.images import encode_png
from telephone.models import barcode
from telephone.models.results import ModelOutput

TEXT = "Three red kites above a grey harbour."


def only(found: list) -> ModelOutput:
    (made,) = found
    if isinstance(made, ModelError):
        raise made
    assert isinstance(made, ModelOutput)
    if isinstance(made.value, ModelError):
        raise made.value
    return made


def test_a_picture_and_its_description_go_round(remote_model, server):
    generator = remote_model("openai/any-model", size="512x512", quality="low", **{"extra.steps": 4})
    drawn = only(generator.generate_images([TEXT], [7]))
    assert barcode.read(drawn.value).decode() == TEXT
    body = json.loads(server.requests[-1]["body"])
    assert body == {"model": "any-model", "prompt": TEXT, "n": 1, "size": "512x512", "quality": "low", "steps": 4}
    captioner = remote_model(
        "openai/any-model", "image2text", temperature=0.5, max_tokens=99, detail="low", task="Tell+all."
    )
    output = only(captioner.generate_texts([drawn.value]))
    assert output.value == TEXT
    sent = json.loads(server.requests[-1]["body"])
    assert (sent["temperature"], sent["max_tokens"], "seed" in sent) == (0.5, 99, False)
    parts = sent["messages"][0]["content"]
    assert parts[0]["text"] == "Tell all."
    assert parts[1]["image_url"]["detail"] == "low"
    assert json.loads(output.raw)["usage"]["completion_tokens"] == 20


def test_the_picture_may_come_by_its_address(remote_model, server):
    server.links = True
    assert barcode.read(only(remote_model("openai/m").generate_images([TEXT])).value).decode() == TEXT
    assert [record["method"] for record in server.requests] == ["POST", "GET"]
    assert "authorization" not in {name.lower() for name in server.requests[-1]["headers"]}


def test_vectors_come_in_order_and_of_unit_length(remote_model, server):
    texts = [f"{'x' * (at % 7)}a" for at in range(70)]
    rows = remote_model("openai/m", "embedder").embed_texts(texts)
    assert (rows.shape, rows.dtype) == ((70, 2), np.float32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.allclose(rows[:, 1] / rows[:, 0], [len(text) for text in texts])
    assert sum(server.paid.values()) == 2


def test_seeds_are_sent_only_when_asked_for(remote_model, server):
    only(remote_model("openai/m", seed="try").generate_images([TEXT], [2**32 - 1]))
    assert json.loads(server.requests[-1]["body"])["seed"] == 2**31 - 1
    assert not remote_model("openai/m", seed="try").traits().seeds
    assert remote_model("openai/m", seed="yes").traits().seeds


PASSING = {"drop": "lost", "429": "429", "500": "500", "half": "lost", "html": "not JSON", "delay": "in time"}


@pytest.mark.parametrize(("fault", "message"), PASSING.items())
@pytest.mark.parametrize("kind", ["text2image", "image2text"])
def test_a_retryable_fault_is_unavailable_after_one_request(remote_model, server, fault, message, kind):
    server.script.append(fault)
    maker = remote_model("openai/m", kind, timeout=0.3 if fault == "delay" else 10)
    with pytest.raises(ModelUnavailable, match=message):
        only(maker.generate_images([TEXT]) if kind == "text2image" else maker.generate_texts([barcode.draw(b"x")]))
    assert len(server.requests) == 1
    assert not sum(server.paid.values())


def test_retry_after_is_passed_on(remote_model, server):
    server.script.append("429")
    server.retry_after = "17"
    with pytest.raises(ModelUnavailable) as raised:
        only(remote_model("openai/m").generate_images([TEXT]))
    assert raised.value.retry_after == 17


@pytest.mark.parametrize(
    ("fault", "message"), {"400": "400", "401": "check the key", "404": "name of the model"}.items()
)
def test_a_permanent_fault_is_not_retryable(remote_model, server, fault, message):
    server.script.append(fault)
    with pytest.raises(ModelError, match=message) as raised:
        only(remote_model("openai/m").generate_images([TEXT]))
    assert type(raised.value) is (KeyRejected if fault == "401" else ModelError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["moderated", "refused", "filtered"])
def test_a_refusal_is_an_outcome_of_its_own(remote_model, server, fault):
    server.script.append(fault)
    with pytest.raises(ModelRefused):
        if fault == "moderated":
            only(remote_model("openai/m").generate_images([TEXT]))
        only(remote_model("openai/m", "image2text").generate_texts([barcode.draw(b"x")]))


ODD = {
    "bomb": "The picture is too large",
    "svg": "HTML or XML",
    "noise": "not a picture",
    "private": "private",
    "empty": "no image",
}


@pytest.mark.parametrize(("fault", "message"), ODD.items())
def test_an_invalid_image_keeps_its_cost(remote_model, server, fault, message):
    server.script.append(fault)
    (made,) = remote_model("openai/m", price=0.25).generate_images([TEXT])
    assert type(made.value) is ModelError
    assert message in str(made.value)
    assert made.cost == 0.25


def test_an_empty_description_says_so(remote_model, server):
    server.script.append("empty")
    with pytest.raises(ModelError, match="empty text"):
        only(remote_model("openai/m", "image2text").generate_texts([barcode.draw(b"x")]))


def test_one_bad_item_does_not_spoil_the_others(remote_model, server):
    server.script.extend(["ok", "500", "ok"])
    first, second, third = remote_model("openai/m").generate_images([TEXT] * 3)
    assert isinstance(second, ModelUnavailable)
    assert isinstance(first.value, Image.Image)
    assert isinstance(third.value, Image.Image)


def test_a_redirect_of_the_service_is_not_followed(remote_model, server):
    server.redirects["/v1/images/generations"] = "http://127.0.0.1:9/elsewhere"
    with pytest.raises(ModelError, match="redirects"):
        only(remote_model("openai/m").generate_images([TEXT]))


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("openai/unheard-of", "add .kind=text2image"),
        ("openai/m?kind=poem", "give one of"),
        ("openai/m?kind=text2image&colour=red", "has no option 'colour'"),
        ("openai/m?kind=text2image&api_key=sk-abc12345", "a key never belongs in an address"),
        ("openai/m?kind=text2image&size=huge", "WIDTHxHEIGHT"),
        ("openai/m?kind=text2image&base_url=ftp://x", "must be a URL"),
        ("openai/m?kind=text2image&base_url=https://me:sk-abc12345@x/v1", "must not contain a user name"),
        ("openai/m?kind=text2image&base_url=https://x/v1%3Fkey=sk-abc12345", "must not contain a user name"),
        ("openai/m?kind=text2image&temperature=1", "has no option"),
    ],
)
def test_the_message_about_an_invalid_address_contains_no_key(ref, message):
    with pytest.raises(UsageError, match=message) as raised:
        models.load_model(ref)
    assert "abc12345" not in str(raised.value)


def test_traits_of_a_remote_model():
    one = models.load_model("openai/gpt-image-9?flight=3&per_minute=50&timeout=9").traits()
    assert (one.device, one.concurrency, one.per_minute, one.service) == ("remote", 3, 50, "openai api.openai.com")
    assert one.price is None
    assert one.fingerprint == models.load_model("openai/gpt-image-9?flight=5").traits().fingerprint
    others = ["openai/gpt-image-9?quality=low", "openai/gpt-image-8", "openai/gpt-image-9?extra.a=1"]
    others.append("openai/gpt-image-9?base_url=https://other.example/v1")
    prints = {models.load_model(ref).traits().fingerprint for ref in others}
    assert len(prints | {one.fingerprint}) == 5
    task = models.load_model("openai/gpt-5?task=Why%3F").traits().fingerprint
    assert task != models.load_model("openai/gpt-5").traits().fingerprint


def test_a_missing_key_is_reported_before_anything_is_sent():
    generator = models.load_model("openai/gpt-image-1")
    with pytest.raises(UsageError, match="set OPENAI_API_KEY"):
        generator.generate_images([TEXT])
    assert "OPENAI_API_KEY" in generator.lacks()


def image_body(**item):
    return "application/json", json.dumps({"created": 1, "data": [item]}).encode()


def test_images_as_other_servers_send_them(remote_model, server):
    plain = base64.b64encode(encode_png(barcode.draw(TEXT.encode()))).decode()
    server.pages["/files/a.png"] = "image/png", base64.b64decode(plain)
    items = [
        {"b64_json": f"data:image/png;base64,{plain}"},
        {"b64_json": plain.replace("+", "-").replace("/", "_").rstrip("=")},
        {"url": f"data:image/png;base64,{plain}"},
        {"url": "/files/a.png"},
        {"b64_json": None, "url": f"http://localhost:{server.port}/files/a.png"},
    ]
    for item in items:
        server.pages["/v1/images/generations"] = image_body(**item)
        assert barcode.read(only(remote_model("openai/m").generate_images([TEXT])).value).decode() == TEXT


def test_a_provider_on_this_machine_reaches_no_other_server_on_it(remote_model, server):
    with Server() as other:
        other.pages["/a.png"] = "image/png", encode_png(barcode.draw(b"x"))
        for url in (f"http://127.0.0.1:{other.port}/a.png", "http://10.0.0.1/a.png"):
            server.pages["/v1/images/generations"] = image_body(url=url)
            with pytest.raises(ModelError, match="private address.*extra.response_format=b64_json"):
                only(remote_model("openai/m").generate_images([TEXT]))
        server.pages["/v1/images/generations"] = image_body(url="/a")
        server.redirects["/a"] = f"http://127.0.0.1:{other.port}/a.png"
        with pytest.raises(ModelError, match="private"):
            only(remote_model("openai/m").generate_images([TEXT]))
        assert not other.requests
