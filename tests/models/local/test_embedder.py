"""Embedders of transformers, tiny but real: unit vectors of the right space, whatever the batch."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import UsageError, WeightsError
from telephone.models import embedder, load_model

pytestmark = pytest.mark.slow
TEXTS = ["a red cat", "a small blue boat under a tree and the sea", "三只红色的猫", ""]


@pytest.fixture(scope="module")
def pictures():
    chance = np.random.default_rng(0)
    return [Image.fromarray(chance.integers(0, 256, (32 + 8 * at, 40, 3), dtype=np.uint8)) for at in range(3)]


def unit(rows, count):
    assert rows.dtype == np.float32
    assert rows.shape[0] == count
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5
    return rows


def distinct(rows):
    return np.abs(rows @ rows.T - np.eye(len(rows))).max() < 0.9999


@pytest.mark.parametrize("kind", ["clip", "siglip", "chinese-clip"])
def test_texts_and_pictures_share_a_space_and_company_does_not_matter(kind, tiny_model, pictures):
    made = embedder(f"transformers/{tiny_model(kind)}")
    texts, images = unit(made.embed_texts(TEXTS), 4), unit(made.embed_images(pictures), 3)
    assert texts.shape[1] == images.shape[1] == 32
    assert distinct(texts)
    assert distinct(images)
    assert np.abs(texts - np.concatenate([made.embed_texts([text]) for text in TEXTS])).max() < 1e-5
    assert np.abs(images - np.concatenate([made.embed_images([one]) for one in pictures])).max() < 1e-5
    assert made.embed_texts([]).shape == (0, 32)


def test_clips_vectors_are_those_of_its_own_forward_pass(tiny_model, pictures):
    import torch
    from transformers import AutoProcessor, CLIPModel

    path = str(tiny_model("clip"))
    given = AutoProcessor.from_pretrained(path)(text=TEXTS[:2], images=pictures, return_tensors="pt", padding=True)
    with torch.inference_mode():
        own = CLIPModel.from_pretrained(path).eval()(**given)
    made = embedder(f"transformers/{path}")
    assert np.abs(made.embed_texts(TEXTS[:2]) - own.text_embeds.numpy()).max() < 1e-5
    assert np.abs(made.embed_images(pictures) - own.image_embeds.numpy()).max() < 1e-5


def test_dino_sees_and_does_not_read(tiny_model, pictures):
    made = embedder(f"transformers/{tiny_model('dinov2')}")
    assert distinct(unit(made.embed_images(pictures), 3))
    with pytest.raises(UsageError, match="embeds no texts"):
        made.embed_texts(TEXTS)


def test_sentences_are_pooled_as_the_folder_says(tmp_path, tiny_model):
    import tiny_embedders as tiny
    import torch

    mean = embedder(f"transformers/{tiny_model('minilm')}")
    rows = unit(mean.embed_texts(TEXTS), 4)
    assert distinct(rows)
    assert np.abs(rows - np.concatenate([mean.embed_texts([text]) for text in TEXTS])).max() < 1e-5
    assert np.abs(rows - by_hand(tiny_model("minilm"))).max() < 1e-5
    for pooling in ("cls_token", "max_tokens", "lasttoken"):
        torch.manual_seed(0)
        tiny.minilm(tmp_path / pooling, pooling)
        other = embedder(f"transformers/{tmp_path / pooling}")
        assert np.abs(other.embed_texts(TEXTS) - rows).max() > 0.01
        assert other.traits().fingerprint != mean.traits().fingerprint
    torch.manual_seed(0)
    tiny.minilm(tmp_path / "dense", dense=7)
    assert unit(embedder(f"transformers/{tmp_path / 'dense'}").embed_texts(TEXTS), 4).shape == (4, 7)


def by_hand(path):
    import torch
    from transformers import AutoModel, AutoTokenizer

    given = AutoTokenizer.from_pretrained(path)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        tokens = AutoModel.from_pretrained(path).eval()(**given).last_hidden_state.numpy()
    mask = given["attention_mask"].numpy()
    rows = np.stack([one[seen > 0].mean(0) for one, seen in zip(tokens, mask, strict=True)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_words_beyond_the_limit_are_counted(tiny_model):
    made = embedder(f"transformers/{tiny_model('minilm')}")
    assert made.traits().max_tokens == 24
    assert made.count_cut("red " * 30) == 30 + 2 - 24
    assert made.count_cut("red") == 0
    assert unit(made.embed_texts(["red " * 300]), 1).shape == (1, 32)


def test_a_prompt_of_the_folder_comes_before_every_text(tiny_model, tmp_path):
    path = shutil.copytree(tiny_model("minilm"), tmp_path / "asked")
    told = {"prompts": {"query": "a red "}, "default_prompt_name": "query"}
    (path / "config_sentence_transformers.json").write_text(json.dumps(told))
    plain = embedder(f"transformers/{tiny_model('minilm')}").embed_texts(["a red cat"])
    assert np.abs(embedder(f"transformers/{path}").embed_texts(["cat"]) - plain).max() < 1e-5


@pytest.mark.parametrize(
    ("file", "content", "error", "says"),
    [
        (
            "modules.json",
            [{"type": "sentence_transformers.models.LSTM", "path": "1"}],
            UsageError,
            "unsupported step 'LSTM'",
        ),
        ("1_Pooling/config.json", {"pooling_mode_weightedmean_tokens": True}, UsageError, "unsupported pooling mode"),
        (
            "modules.json",
            [{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}],
            WeightsError,
            "no 2_Dense/model.safetensors",
        ),
    ],
)
def test_a_step_that_is_not_known_is_told(tiny_model, tmp_path, file, content, error, says):
    path = shutil.copytree(tiny_model("minilm"), tmp_path / "odd")
    (path / file).write_text(json.dumps(content))
    with pytest.raises(error, match=says):
        load_model(f"transformers/{path}")


def test_describers_options_are_not_taken(tiny_model):
    with pytest.raises(UsageError, match="is an embedder and has no option 'temperature'"):
        load_model(f"transformers/{tiny_model('clip')}?temperature=1")
