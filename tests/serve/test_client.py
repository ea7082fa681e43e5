"""The official client against the server: images, descriptions, vectors, and errors."""

import base64
import io
import struct
import zlib

import numpy as np
import openai
import pytest
from PIL import Image

from telephone import models
from telephone.core.images import decode, encode_png

TEXT = "Three red kites and a small boat above a grey harbour."


def shown(data: bytes, words: str = "What is this?", kind: str = "png") -> list:
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return [
        {
            "role": "user",
            "content": [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": url}}],
        }
    ]


def drawn(client, model, **more) -> list[bytes]:
    found = client.images.generate(model=model, prompt=TEXT, **more)
    return [base64.b64decode(one.b64_json) for one in found.data]


def test_models_are_listed_and_found(client):
    models = {model.id: model for model in client.models.list()}
    assert list(models) == [
        "fake/painter", "fake/captioner", "fake/embedder", "oracle/renderer", "rude", "frail", "rude-reader",
    ]  # fmt: skip
    assert (models["rude"].owned_by, models["rude"].kind) == ("fake", "text2image")
    assert client.models.retrieve("fake/painter").id == "fake/painter"
    with pytest.raises(openai.NotFoundError, match="Did you mean fake/painter"):
        client.models.retrieve("fake/paintre")


@pytest.mark.parametrize("model", ["fake/painter", "oracle/renderer"])
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_the_same_seed_gives_the_same_bytes_as_here(client, model, seed):
    ref = "fake/painter?loss=0.4" if model == "fake/painter" else model
    here = encode_png(models.generate_images(models.text2image(ref), [TEXT], [seed])[0])
    assert drawn(client, model, extra_body={"seed": seed}) == [here]
    assert drawn(client, ref, extra_body={"seed": seed}) == [here]  # its whole address is a name too


def test_several_pictures_of_one_text_differ_and_begin_with_the_seed(client):
    three = drawn(client, "fake/painter", n=3, extra_body={"seed": 5})
    assert len(set(three)) == 3
    assert three[:1] == drawn(client, "fake/painter", extra_body={"seed": 5})
    assert three == drawn(client, "fake/painter", n=3, extra_body={"seed": 5})


def test_without_a_seed_the_same_request_has_the_same_answer(client):
    assert drawn(client, "fake/painter", n=2) == drawn(client, "fake/painter", n=2)


def test_a_picture_is_described(client):
    (file,) = drawn(client, "oracle/renderer")
    for kind in ("png", "webp"):
        buffer = io.BytesIO()
        decode(file).save(buffer, kind, lossless=True)
        found = client.chat.completions.create(model="fake/captioner", messages=shown(buffer.getvalue(), kind=kind))
        (choice,) = found.choices
        here = models.generate_texts(models.image2text("fake/captioner"), [decode(file)], [0])
        assert ([choice.message.content], choice.finish_reason) == (here, "stop")
        assert found.usage is None  # unknown, which is not 0


def test_a_description_streams_as_one_piece(client):
    (file,) = drawn(client, "fake/painter", extra_body={"seed": 1})
    whole = client.chat.completions.create(model="fake/captioner", messages=shown(file))
    pieces = list(client.chat.completions.create(model="fake/captioner", messages=shown(file), stream=True))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == whole.choices[0].message.content
    assert pieces[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_are_those_of_here(client, encoding):
    texts = ["a red boat", "a boat", TEXT]
    options = {} if encoding is None else {"encoding_format": encoding}
    found = client.embeddings.create(model="fake/embedder", input=texts, **options)
    rows = [one.embedding for one in found.data]
    if encoding == "base64":
        rows = [np.frombuffer(base64.b64decode(row), dtype="<f4") for row in rows]
    assert [one.index for one in found.data] == [0, 1, 2]
    assert np.array_equal(np.asarray(rows, np.float32), models.embedder("fake/embedder").embed_texts(texts))


def bomb() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 5000, 5000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


WRONG_PICTURES = {
    "none": ("b64", b"words", 400, "not a PNG"),
    "cut": ("b64", encode_png(Image.new("RGB", (64, 64), "red"))[:80], 400, "that can be decoded"),
    "bomb": ("b64", bomb(), 413, "more than 16000000 pixels"),
    "far": ("url", "https://example.com/x.png", 400, "downloads no images"),
    "here": ("url", "http://127.0.0.1/x.png", 400, "downloads no images"),
    "file": ("url", "file:///etc/passwd", 400, "downloads no images"),
    "broken": ("url", "data:image/png;base64,%%%", 400, "not valid base64"),
}


@pytest.mark.parametrize(("how", "what", "status", "says"), WRONG_PICTURES.values(), ids=WRONG_PICTURES)
def test_pictures_that_are_not_taken(client, how, what, status, says):
    messages = shown(what if how == "b64" else b"")
    if how == "url":
        messages[0]["content"][1]["image_url"]["url"] = what
    with pytest.raises(openai.APIStatusError, match=says) as raised:
        client.chat.completions.create(model="fake/captioner", messages=messages)
    assert (raised.value.status_code, raised.value.body["type"]) == (status, "invalid_request_error")


WRONG = {
    "no model": ({"prompt": "x"}, "model: Field required"),
    "no text": ({"model": "fake/painter", "prompt": ""}, "prompt: "),
    "long": ({"model": "fake/painter", "prompt": "x" * 32_001}, "prompt: "),
    "many": ({"model": "fake/painter", "prompt": "x", "n": 11}, "n: "),
    "number": ({"model": "fake/painter", "prompt": "x", "n": "2"}, "n: "),
    "seed": ({"model": "fake/painter", "prompt": "x", "seed": 2**32}, "seed: "),
    "address": ({"model": "fake/painter", "prompt": "x", "response_format": "url"}, "b64_json"),
    "size": ({"model": "fake/painter", "prompt": "x", "size": "512x512"}, "draws 64x64"),
    "kind": ({"model": "fake/captioner", "prompt": "x"}, "/v1/chat/completions"),
    "list": ([], "body"),
}


@pytest.mark.parametrize(("body", "says"), WRONG.values(), ids=WRONG)
def test_wrong_requests_say_what_is_wrong(client, body, says):
    with pytest.raises(openai.BadRequestError) as raised:
        client.post("/images/generations", body=body, cast_to=object)
    assert says in raised.value.body["message"]
    assert raised.value.body["type"] == "invalid_request_error"


def test_wrong_chats(client):
    file = encode_png(Image.new("RGB", (8, 8)))
    two = shown(file) * 2
    for messages in ([{"role": "user", "content": "hello"}], two, [{"role": "user", "content": []}]):
        with pytest.raises(openai.BadRequestError, match="send one"):
            client.chat.completions.create(model="fake/captioner", messages=messages)
    for wrong in ([], [{"role": "assistant", "content": "x"}, *shown(file)], [3]):
        with pytest.raises(openai.BadRequestError, match="messages"):
            client.chat.completions.create(model="fake/captioner", messages=wrong)


def test_wrong_vectors(client):
    for given in ([], [""], [[1, 2]], ["x"] * 2049):
        with pytest.raises(openai.BadRequestError, match="input"):
            client.embeddings.create(model="fake/embedder", input=given)
    with pytest.raises(openai.BadRequestError, match="256 dimensions"):
        client.embeddings.create(model="fake/embedder", input="x", dimensions=8)


def test_a_refusal_and_a_failure_are_told_apart(client):
    with pytest.raises(openai.BadRequestError) as refused:
        drawn(client, "rude")
    assert refused.value.code == "content_policy_violation"
    with pytest.raises(openai.UnprocessableEntityError) as failed:
        drawn(client, "frail")
    assert failed.value.code == "model_failed"
    with pytest.raises(openai.BadRequestError, match="set to refuse"):
        client.chat.completions.create(model="rude-reader", messages=shown(encode_png(Image.new("RGB", (8, 8)))))


def test_nowhere(client):
    with pytest.raises(openai.NotFoundError, match="docs/serve.md"):
        client.post("/audio/speech", body={}, cast_to=object)
    with pytest.raises(openai.APIStatusError) as raised:
        client.get("/images/generations", cast_to=object)
    assert (raised.value.status_code, raised.value.body["code"]) == (405, "unknown_url")
