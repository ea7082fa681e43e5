"""The recipes of BLIP-2 and MiniGPT-4 from end to end, with a language model that has learned nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone.nets.blip import BlipImageEncoder, ImageEncoderConfig
from telephone.nets.checkpoint import read_metadata, save_weights
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import WordTokenizer
from telephone.train import blip_2, language_model, minigpt_4
from telephone.train.common import data, feature_cache
from telephone.train.common.recipe import Recipe


@pytest.fixture
def recipe(tmp_path):
    return Recipe(tmp_path / "r", tmp_path / "w.safetensors", minutes=0.02, threads=1, pictures=80)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return BlipImageEncoder(ImageEncoderConfig(stem=(8, 8, 8), width=16, layers=1)).eval().requires_grad_(False)


def test_squares_are_those_that_the_encoder_sees(recipe, encoder):
    recipe.start()
    seen = feature_cache.squares(recipe, encoder, "test", 40)
    assert seen.squares.shape == (40, 64, 16)
    pictures = data.paint("test", 40)
    assert seen.scenes == pictures.scenes
    with torch.no_grad():
        alone = encoder(torch.from_numpy(data.to_unit(pictures.pixels[20:])))
    assert torch.allclose(seen.batch(np.arange(20, 40)), alone, atol=5e-3)


def test_squares_are_computed_once(recipe, encoder, monkeypatch):
    first = feature_cache.squares(recipe, encoder, "test", 12)
    monkeypatch.setattr(data, "paint", None)
    again = feature_cache.squares(replace(recipe, folder=recipe.folder / "other"), encoder, "test", 12)
    assert np.array_equal(first.squares, again.squares)
    assert first.scenes == again.scenes
    with pytest.raises(TypeError):
        feature_cache.squares(recipe, encoder, "test", 13)


def test_an_examination_counts_what_is_told(recipe, encoder, capsys):
    recipe.start()

    def silent(squares):
        return [""] * len(squares)

    feature_cache.examine(recipe, encoder, silent, "silent")
    assert "0 of 194 facts are told, among 0 that are said" in capsys.readouterr().out
    assert "easy" in (recipe.folder / "samples" / "silent.txt").read_text()


def test_texts_of_like_length_share_a_batch():
    scenes = [data.train_scene("test", i) for i in range(300)]
    seen = feature_cache.Seen(scenes, np.zeros((300, 1, 1), np.float16))
    tokenizer = WordTokenizer(blip_2.learn_words(400))
    rows, tokens = next(blip_2.told(seen, tokenizer, 96, np.random.default_rng(0)))
    assert rows.shape == (blip_2.BATCH,)
    lengths = (tokens != 0).sum(1)
    assert lengths.max() - lengths.min() <= 40
    words = set(tokenizer.decode(tokens[0].tolist()).lower().rstrip(".").split())
    assert words & {thing.kind for thing in scenes[rows[0]].things} or not scenes[rows[0]].things


@pytest.mark.slow
def test_both_recipes_make_files_that_fit_together(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_cache, "EXAMINED", 4)
    torch.manual_seed(0)
    words = language_model.learn_words(300)
    model = LanguageModel(LanguageModelConfig(words=words, width=32, layers=1, max_tokens=64))
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {})
    (tmp_path / "blip-2").mkdir()
    (tmp_path / "blip-2" / "words.json").write_text(json.dumps(blip_2.learn_words(400)))
    first = blip_2.main(replace(recipe, folder=tmp_path / "blip-2", weights=tmp_path / "blip-2.safetensors"))
    second = minigpt_4.main(replace(recipe, folder=tmp_path / "m", weights=tmp_path / "minigpt-4.safetensors"))
    config, about = read_metadata(first)
    assert about["player"] == "pocket/blip-2"
    assert config["qformer"]["words"] == []
    config, about = read_metadata(second)
    assert config == {"qformer_width": 160, "language_width": 32}
    assert set(about["reads"]) == {"blip", "blip-2", "language-model"}
    for log in (*(tmp_path / "blip-2").glob("*.jsonl"), *(tmp_path / "m").glob("*.jsonl")):
        assert all(np.isfinite(json.loads(line)["loss"]) for line in log.read_text().splitlines())
