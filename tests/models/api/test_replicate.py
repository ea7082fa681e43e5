"""The client of Replicate: requests, polling, cancellation, and the shapes of outputs."""

import json

import numpy as np
import pytest
from PIL import Image

from telephone import models
from telephone.core.errors import KeyRejected, ModelError, ModelRefused, ModelUnavailable, UsageError
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
