"""The client of Replicate: requests, polling, cancellation, and the shapes of outputs."""

import base64
import json

import numpy as np
import pytest
from PIL import Image

from telephone import models
from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, UsageError
from telephone.core.images import encode_png
from telephone.models import barcode
from telephone.models.api.replicate import MAX_INLINE_BYTES

TEXT = "Three red kites above a grey harbour."


def test_a_picture_with_what_its_seconds_cost(remote_model, server):
    server.polls = 2
    generator = remote_model("replicate/stability-ai/stable-diffusion:abc1", price_second=0.5, **{"input.num_steps": 4})
    (made,) = generator.generate_images([TEXT])
    assert barcode.read(made.value).decode() == TEXT
    assert made.cost == 1.0
    assert json.loads(made.raw)["metrics"] == {"predict_time": 2.0}
    first = server.requests[0]
    assert first["path"] == "/v1/predictions"
    assert json.loads(first["body"]) == {"input": {"prompt": TEXT, "num_steps": 4}, "version": "abc1"}
    assert first["headers"]["prefer"] == "wait=10"
    assert [record["path"] for record in server.requests[1:]] == ["/v1/predictions/p0"] * 2


def test_a_model_without_a_version_has_an_address_of_its_own(remote_model, server):
    server.links = True
    (made,) = remote_model("replicate/kuprel/min-dalle").generate_images([TEXT])
    assert barcode.read(made.value).decode() == TEXT
    assert server.requests[0]["path"] == "/v1/models/kuprel/min-dalle/predictions"
    assert json.loads(server.requests[0]["body"])["input"]["text"] == TEXT
    assert made.cost is None


def test_a_description_streamed_in_pieces_loses_its_opening(remote_model, server):
    captioner = remote_model("replicate/salesforce/blip:2e1d", "image2text")
    (made,) = captioner.generate_texts([barcode.draw(TEXT.encode())])
    assert made.value == TEXT
    sent = json.loads(server.requests[0]["body"])["input"]
    assert sent["task"] == "image_captioning"
    assert "prompt" not in sent


def test_names_of_inputs_can_be_said_by_options(remote_model, server):
    captioner = remote_model(
        "replicate/some/one:1", "image2text", image_name="picture", prompt_name="question", task="Why%3F"
    )
    (made,) = captioner.generate_texts([barcode.draw(TEXT.encode())])
    assert made.value == TEXT
    assert json.loads(server.requests[0]["body"])["input"]["question"] == "Why?"
    assert set(json.loads(server.requests[0]["body"])["input"]) == {"picture", "question"}


def test_a_large_picture_is_uploaded_and_taken_away_again(remote_model, server):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8))
    (made,) = remote_model("replicate/some/one:1", "image2text").generate_texts([noise])
    assert made.value == "An uploaded picture."
    assert [(each["method"], each["path"]) for each in server.requests] == [
        ("POST", "/v1/files"),
        ("POST", "/v1/predictions"),
        ("DELETE", "/v1/files/file1"),
    ]
    assert len(server.requests[0]["body"]) > MAX_INLINE_BYTES


def test_vectors(remote_model):
    rows = remote_model("replicate/daanelson/imagebind:1", "embedder").embed_texts(["a", "bcd"])
    assert rows.shape == (2, 3)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)


def test_what_takes_too_long_is_called_off(remote_model, server):
    server.polls = 100
    with pytest.raises(ModelUnavailable, match="cancelled"):
        raise remote_model("replicate/some/one:1", timeout=1).generate_images([TEXT])[0]
    assert server.requests[-1]["path"] == "/v1/predictions/p0/cancel"
    assert server.predictions["p0"]["canceled"]


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("429", ModelUnavailable, "429"),
        ("500", ModelUnavailable, "500"),
        ("drop", ModelUnavailable, "lost"),
        ("html", ModelUnavailable, "not JSON"),
        ("half", ModelUnavailable, "lost"),
        ("401", KeyRejected, "check the key"),
        ("404", ModelError, "name of the model"),
        ("refused", ModelRefused, "NSFW"),
        ("failed", ModelError, "out of memory"),
    ],
)
def test_faults(remote_model, server, fault, kind, message):
    server.script.append(fault)
    (made,) = remote_model("replicate/some/one:1").generate_images([TEXT])
    assert type(made) is kind
    assert message in str(made)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("fault", "message"), [("bomb", "too large"), ("svg", "HTML or XML"), ("private", "private")])
def test_outputs_that_cannot_be_trusted(remote_model, server, fault, message):
    server.script.append(fault)
    (made,) = remote_model("replicate/some/one:1", price=0.1).generate_images([TEXT])
    assert message in str(made.value)
    assert made.cost == 0.1


@pytest.mark.parametrize(
    "ref", ["replicate/one", "replicate/a/b/c", "replicate/a/b:", "replicate/../b", "replicate/a/b c"]
)
def test_a_name_that_is_none(ref):
    with pytest.raises(UsageError, match="not the address of a model" if ref != "replicate/../b" else "add .kind"):
        models.load_model(ref)


@pytest.mark.parametrize(
    "reason",
    ["Prediction interrupted; please retry (code: PA)", "Service is unavailable. (E003)", "It went wrong (E6716)",
     "E8765: the machine is gone", "The model is overloaded, try again later.", "Rate limit exceeded"],
)  # fmt: skip
def test_a_failure_that_passes_is_tried_again(remote_model, server, reason):
    body = {"id": "p0", "status": "failed", "error": reason}
    server.pages["/v1/predictions"] = "application/json", json.dumps(body).encode()
    (made,) = remote_model("replicate/some/one:1").generate_images([TEXT])
    assert type(made) is ModelUnavailable
    assert reason[:20] in str(made)


def outcome(server, output):
    body = {"id": "p0", "status": "succeeded", "output": output}
    server.pages["/v1/predictions"] = "application/json", json.dumps(body).encode()


URL = "data:image/png;base64," + base64.b64encode(encode_png(barcode.draw(TEXT.encode()))).decode()


@pytest.mark.parametrize(
    "output",
    [URL, [URL], {"image": URL}, {"images": [URL]}, [{"url": URL}], [{"image": {"url": URL}}], {"result": URL},
     {"image": URL, "seed": 7, "url": None}],
)  # fmt: skip
def test_images_inside_objects(remote_model, server, output):
    outcome(server, output)
    (made,) = remote_model("replicate/some/one:1").generate_images([TEXT])
    assert barcode.read(made.value).decode() == TEXT


def test_other_outputs_inside_objects(remote_model, server):
    outcome(server, {"caption": TEXT, "score": 0.5})
    (made,) = remote_model("replicate/some/one:1", "image2text").generate_texts([barcode.draw(b"x")])
    assert made.value == TEXT
    outcome(server, [{"input": "a", "embedding": [3.0, 4.0]}])
    assert np.allclose(remote_model("replicate/some/one:1", "embedder").embed_texts(["a"]), [[0.6, 0.8]])
    outcome(server, {"first": {"text": "no"}, "second": TEXT})
    named = remote_model("replicate/some/one:1", "image2text", output="second")
    assert named.generate_texts([barcode.draw(b"x")])[0].value == TEXT


@pytest.mark.parametrize(
    ("options", "output"), [({}, {"a": URL, "b": URL}), ({"output": "c"}, {"a": URL, "b": URL}), ({}, {})]
)
def test_an_object_that_cannot_be_read_names_its_fields(remote_model, server, options, output):
    outcome(server, output)
    (made,) = remote_model("replicate/some/one:1", **options).generate_images([TEXT])
    assert f"has the fields {', '.join(output) or 'none'}: name one with output=" in str(made.value)
