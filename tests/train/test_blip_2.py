"""The recipes of BLIP-2 and MiniGPT-4 from end to end, with an untrained language model."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone.nets.blip import BlipImageEncoder, ImageEncoderConfig
from telephone.nets.checkpoint import read_metadata, save_weights
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.train import blip_2, language_model, minigpt_4
from telephone.train.common import data, feature_cache


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return BlipImageEncoder(ImageEncoderConfig(stem=(8, 8, 8), width=16, layers=1)).eval().requires_grad_(False)


def test_features_are_those_of_the_encoder(make_recipe, encoder):
    recipe = make_recipe("r")
    recipe.start()
    images = feature_cache.blip_features(recipe, encoder, "test", 40)
    assert images.features.shape == (40, 64, 16)
    pictures = data.paint("test", 40)
    assert images.scenes == pictures.scenes
    with torch.no_grad():
        alone = encoder(torch.from_numpy(data.to_unit(pictures.pixels[20:])))
    assert torch.allclose(images.batch(np.arange(20, 40)), alone, atol=5e-3)


def test_features_are_computed_once(make_recipe, encoder, monkeypatch):
    recipe = make_recipe("r")
    first = feature_cache.blip_features(recipe, encoder, "test", 12)
    monkeypatch.setattr(data, "paint", None)
    again = feature_cache.blip_features(replace(recipe, folder=recipe.folder / "other"), encoder, "test", 12)
    assert np.array_equal(first.features, again.features)
    assert first.scenes == again.scenes
    with pytest.raises(TypeError):
        feature_cache.blip_features(recipe, encoder, "test", 13)


def test_captions_describe_their_scenes():
    scenes = [data.train_scene("test", i) for i in range(40)]
    for row, text in blip_2.captioned(scenes, np.random.default_rng(0), 30):
        kinds = {thing.kind for thing in scenes[row].things}
        assert not kinds or any(kind[:4] in text.lower() for kind in kinds)


@pytest.mark.slow
def test_both_recipes_make_files_that_fit_together(make_recipe, losses, tmp_path):
    torch.manual_seed(0)
    words = language_model.learn_words(300)
    model = LanguageModel(LanguageModelConfig(words=words, width=32, layers=1, max_tokens=64))
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {})
    recipe, other = make_recipe("blip-2"), make_recipe("minigpt-4")
    recipe.folder.mkdir()
    (recipe.folder / "words.json").write_text(json.dumps(blip_2.learn_words(400)))
    first = blip_2.main(recipe)
    second = minigpt_4.main(other)
    config, about = read_metadata(first)
    assert about["model"] == "pocket/blip-2"
    assert config["qformer"]["words"] == []
    config, about = read_metadata(second)
    assert config == {"qformer_width": 160, "language_width": 32}
    assert set(about["reads"]) == {"blip", "blip-2", "language-model"}
    losses(recipe)
    losses(other)
    before = first.read_bytes()
    assert blip_2.main(recipe).read_bytes() == before
