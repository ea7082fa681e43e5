"""Describers of transformers, tiny but real: captioners and chat models, alone and in company, greedy and by chance."""

import collections
import importlib.util
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from telephone.core.errors import UsageError, WeightsError
from telephone.models import image2text, load_model

pytestmark = pytest.mark.slow
PROMPTLESS = ["git", "vit-gpt2"]
ASKED = ["blip", "blip-2", "llava", "llava-onevision", "idefics3", "qwen-vl"]
"""Those with a processor that takes films too are loaded without torchvision, as it is not installed here."""


@pytest.fixture(scope="module")
def pictures():
    chance = np.random.default_rng(0)
    return [Image.fromarray(chance.integers(0, 256, (32 + 8 * at, 40, 3), dtype=np.uint8)) for at in range(4)]


@pytest.fixture(params=[*ASKED, *PROMPTLESS])
def ref(request, tiny_model):
    return f"transformers/{tiny_model(request.param)}?max_tokens=6"


@pytest.fixture(params=ASKED)
def asked(request, tiny_model):
    return f"transformers/{tiny_model(request.param)}?max_tokens=6"


def test_a_description_changes_with_the_picture_and_not_with_company(ref, pictures):
    alone = [image2text(ref).generate_text(picture, 0) for picture in pictures]
    assert len(set(alone)) >= 3
    assert image2text(f"{ref}&batch=4").generate_texts(pictures, [0] * 4) == alone
    assert image2text(f"{ref}&batch=4").generate_texts(pictures[::-1], [5] * 4) == alone[::-1]


def test_chance_comes_from_the_items_own_seed(ref, pictures):
    hot = f"{ref}&temperature=1&top_p=0.9"
    given, seeds = [pictures[0]] * 3, [1, 2, 1]
    told = image2text(hot).generate_texts(given, seeds)
    assert told[0] == told[2] != told[1]
    assert image2text(f"{hot}&batch=3").generate_texts(given, seeds) == told
    assert image2text(f"{hot}&seed=7").generate_text(pictures[0], 1) != told[0]


def test_the_task_is_asked_and_the_length_is_kept(asked, pictures):
    ref = asked
    describer = image2text(ref)
    long = image2text(ref.replace("=6", "=12")).generate_texts(pictures, [0] * 4)
    assert len("".join(long)) > len("".join(describer.generate_texts(pictures, [0] * 4)))
    other = image2text(f"{ref}&task=a+small+boat")
    assert other.task_description == "a small boat"
    assert other.generate_texts(pictures, [0] * 4) != describer.generate_texts(pictures, [0] * 4)
    assert not any(text.startswith("a small boat") for text in other.generate_texts(pictures, [0] * 4))
    assert other.traits().fingerprint != describer.traits().fingerprint


@pytest.mark.parametrize("kind", PROMPTLESS)
def test_what_cannot_be_asked_says_so(kind, tiny_model):
    with pytest.raises(UsageError, match="takes no prompt: leave the option task out"):
        load_model(f"transformers/{tiny_model(kind)}?task=what")


def test_a_processor_that_needs_another_package_says_which(tiny_model, pictures):
    describer = image2text(f"transformers/{tiny_model('smolvlm')}?max_tokens=6")
    if importlib.util.find_spec("num2words") is None:
        with pytest.raises(UsageError, match="needs another package.*pip install num2words"):
            describer.generate_text(pictures[0])
    else:
        assert len({describer.generate_text(picture) for picture in pictures}) >= 3


def test_beams_find_texts_too(tiny_model, pictures):
    ref = f"transformers/{tiny_model('blip')}?max_tokens=5"
    assert image2text(f"{ref}&beams=3").generate_text(pictures[0], 0)
    with pytest.raises(UsageError, match="exclude each other"):
        load_model(f"{ref}&beams=3&temperature=1")


def test_a_stock_opening_is_taken_off_unless_it_is_wanted(tiny_model):
    ref = f"transformers/{tiny_model('blip')}"
    assert image2text(ref)._postprocess("The image shows a cat. ") == "a cat."
    assert image2text(f"{ref}?clean=no")._postprocess("The image shows a cat. ") == "The image shows a cat."


def test_the_sampler_draws_fairly():
    import torch

    from telephone.models.local.seeded_sampling import sampler

    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    count = 4000
    scores = chances.log().repeat(count, 1)
    drawn = sampler(range(count), 1.0, 1.0)(torch.zeros(count, 1, dtype=torch.long), scores).argmax(1)
    shares = np.bincount(drawn.numpy(), minlength=4) / count
    assert np.abs(shares - chances.numpy()).max() < 0.03
    cold = sampler(range(count), 1.0, 0.7)(torch.zeros(count, 1, dtype=torch.long), scores).argmax(1)
    assert collections.Counter(cold.tolist()).keys() == {0, 1}


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_type": "gpt2"}, "is a gpt2, which is neither an image-to-text model nor an embedder"),
        ({"model_type": "moon", "auto_map": {"AutoModel": "x.Y"}}, "a moon and contains custom code, which is never"),
        ({}, "no config.json with a model_type"),
    ],
)
def test_a_model_of_another_kind_is_told(tmp_path, config, says):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=says):
        load_model(f"transformers/{tmp_path}")


def test_a_pipeline_and_half_a_folder_are_told(tiny_model, tmp_path, pictures):
    with pytest.raises(UsageError, match="text-to-image pipeline: write diffusers/"):
        load_model(f"transformers/{tiny_model('stable-diffusion')}")
    path = shutil.copytree(tiny_model("blip"), tmp_path / "half")
    (path / "tokenizer.json").unlink(missing_ok=True)
    (path / "vocab.txt").unlink(missing_ok=True)
    (path / "tokenizer_config.json").unlink()
    with pytest.raises(WeightsError, match="no usable tokenizer|fetch|complete folder"):
        image2text(f"transformers/{path}").generate_text(pictures[0])
    (path / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="no weights in safetensors"):
        load_model(f"transformers/{path}?max_tokens=3")
    with pytest.raises(UsageError, match="no option 'steps'"):
        load_model(f"transformers/{tiny_model('blip')}?steps=3")
