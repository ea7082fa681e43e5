"""The hub's own client under our rules, against a server that answers as the hub's endpoints do."""

import json

import numpy as np
import pytest

from telephone import models
from telephone.core.errors import KeyRejected, ModelError, ModelUnavailable, UsageError
from telephone.models import barcode
from telephone.models.api.hf import _check_request, _RequestPolicy, _restricted

TEXT = "Three red kites above a grey harbour."


def test_a_picture_and_its_description(remote_model, server):
    generator = remote_model("hf/org/model", base_url=server.url + "/paint", steps=4, size="64x32", seed="try")
    (drawn,) = generator.generate_images([TEXT], [5])
    assert barcode.read(drawn.value).decode() == TEXT
    sent = json.loads(server.requests[0]["body"])
    assert sent == {"inputs": TEXT, "parameters": {"num_inference_steps": 4, "width": 64, "height": 32, "seed": 5}}
    (output,) = remote_model("hf/org/model", "image2text", max_tokens=50).generate_texts([drawn.value])
    assert output.value == TEXT
    assert json.loads(server.requests[1]["body"])["model"] == "org/model"


def test_vectors(remote_model, server):
    rows = remote_model("hf/org/model", "embedder", base_url=server.url + "/vectors").embed_texts(["a", "b"])
    assert np.allclose(rows, [[0.6, 0.8], [0.6, 0.8]])


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        ("429", ModelUnavailable, "429"),
        ("500", ModelUnavailable, "500"),
        ("drop", ModelUnavailable, "lost"),
        ("delay", ModelUnavailable, "in time"),
        ("401", KeyRejected, "check the key"),
        ("404", ModelError, "name of the model"),
        ("html", ModelUnavailable, "not an image"),
    ],
)
def test_faults(remote_model, server, fault, kind, message):
    server.script.append(fault)
    (made,) = remote_model(
        "hf/org/model", base_url=server.url + "/paint", timeout=0.4 if fault == "delay" else 10
    ).generate_images([TEXT])
    made = getattr(made, "made", made)
    assert type(made) is kind
    assert message in str(made)


def test_during_a_call_the_session_goes_nowhere_private_and_at_other_times_it_is_left_alone(server):
    from huggingface_hub import get_session

    page = server.url.removesuffix("/v1") + "/a"
    server.pages["/a"] = ("text/plain", b"hello")
    with _restricted(_RequestPolicy(server="", seconds=5)), pytest.raises(ModelError):
        get_session().get(page)
    assert get_session().get(page).content == b"hello"
    with _restricted(_RequestPolicy(server=server.url, seconds=5)):
        assert get_session().get(page).content == b"hello"
    assert get_session().event_hooks["request"].count(_check_request) == 1


def test_a_key_is_needed_and_the_kind_must_be_said(monkeypatch):
    with pytest.raises(UsageError, match="add .kind"):
        models.load_model("hf/org/model")
    with pytest.raises(UsageError, match="HF_TOKEN"):
        models.load_model("hf/org/model?kind=text2image").generate_images([TEXT])
