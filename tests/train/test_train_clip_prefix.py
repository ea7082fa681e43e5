"""The recipe of the CLIP prefix from end to end in both forms, and what it keeps of CLIP's views."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.models.pocket.clip_prefix import TASK
from telephone.models.pocket.clip_prefix import PocketClipPrefix as Model
from telephone.nets.checkpoint import read_metadata, save_weights
from telephone.nets.clip import Clip, ClipConfig, VisionConfig
from telephone.nets.clip import ClipTextConfig as ClipTextConfig
from telephone.nets.clip_prefix import ClipPrefix, look
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train import clip_prefix, language_model
from telephone.train import clip_prefix_data as views
from telephone.train.common import data
from telephone.train.common.exchanges import sentence
from telephone.train.common.recipe import Recipe
from telephone.train.common.visual_words import vectors


@pytest.fixture
def recipe(tmp_path):
    torch.manual_seed(0)
    vision = VisionConfig(stem=(8, 8, 8), width=16, layers=1)
    clip = Clip(ClipConfig(vision, ClipTextConfig(width=16, layers=1), embedding=24))
    save_weights(tmp_path / "clip.safetensors", clip, clip.config, {})
    words = language_model.learn_words(200)
    model = LanguageModel(LanguageModelConfig(words=words, width=16, layers=1, hidden=16))
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {}, bits=8)
    return Recipe(tmp_path / "r", tmp_path / "clip-prefix.safetensors", minutes=0.02, threads=1, pictures=80)


@pytest.fixture
def there(recipe):
    recipe.start()
    clip = clip_prefix.frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    return clip_prefix.FrozenParts(clip, *clip_prefix.feature_cache.language_model(recipe))


def test_views_are_those_of_clip_and_are_computed_once(recipe, there, monkeypatch):
    seen = views.views(recipe, there.clip)
    assert seen.shape == (80, 7 * 16)
    pictures = data.paint("sight 0", 80)
    clear = torch.from_numpy(data.to_unit(pictures.pixels[40:]))
    with torch.no_grad():
        assert torch.allclose(seen[40:], look(there.clip, clear), atol=1e-2)
    monkeypatch.setattr(data, "paint", None)
    again = views.views(replace(recipe, folder=recipe.folder / "other"), there.clip)
    assert torch.equal(seen, again)
    with pytest.raises(TypeError):
        views.views(replace(recipe, pictures=81), there.clip)


def test_the_last_layer_starts_near_the_words(recipe, there, monkeypatch):
    torch.manual_seed(0)
    net = ClipPrefix(clip_prefix.config_of(there, "transformer"))
    scenes = [data.train_scene("sight 0", i) for i in range(80)]
    raw = views.views(recipe, there.clip)
    seen = clip_prefix.Views(scenes, clip_prefix.whitened(net, raw))
    monkeypatch.setattr(views, "SURE", 0.0)
    words = vectors(scenes, there.model, there.tokenizer)
    with torch.no_grad():
        before = (net(raw) - words).square().mean()
        clip_prefix.guess_words(clip_prefix.Learning(net), seen, there)
        after = (net(raw) - words).square().mean()
    assert after < before / 5
    assert after <= (words - words.mean((0, 1))).square().mean()


def test_only_sure_facts_are_told():
    scene = world.parse("Two small red cats on the left and a blue dog on the right, on a beach at night.")
    cells = {k: torch.zeros(6, n) for k, n in data.CELL_FACTS.items()}
    whole = {k: torch.zeros(n) for k, n in data.SCENE_FACTS.items()}
    told = views.sure(scene, cells, whole)
    assert told.setting is None
    assert len(told.things) == 2, "of things of equal chance all are told, as something must be"
    whole["setting"][1] = 1
    assert sentence(views.sure(scene, cells, whole)) == "On a beach."
    truth = torch.from_numpy(data.cell_targets(scene))
    for index, name in enumerate(data.CELL_FACTS):
        cells[name][0, truth[0, index]] = 1
    assert world.caption(views.sure(scene, cells, whole), "en", "plain") == (
        "Two small red cats on the left, on a beach."
    )
    cells["colour"][0] = 0.1
    cells["count"][0] = 0.1
    assert world.caption(views.sure(scene, cells, whole), "en", "plain") == "A small cat on the left, on a beach."


def test_views_are_whitened_but_for_the_directions_without_variance(recipe, there):
    net = ClipPrefix(clip_prefix.config_of(there, "mlp"))
    raw = torch.randn(400, 112) * torch.logspace(0, -2, 112) + 3
    spread = clip_prefix.whitened(net, raw * torch.rand(400, 1))
    assert spread.mean(0).abs().max() < 1e-2
    assert (spread.T @ spread / 400 - torch.eye(112)).abs().mean() < 0.02
    assert torch.allclose(net.map(raw[:3]), net.mapper(spread[:3]), atol=1e-3)


def test_a_telling_of_all_facts_is_the_telling():
    for index in range(60):
        scene = data.train_scene("sure", index)
        cells = {k: torch.ones(6, n) for k, n in data.CELL_FACTS.items()}
        whole = {k: torch.ones(n) for k, n in data.SCENE_FACTS.items()}
        assert views.sure(scene, cells, whole) == data.telling(scene)


def test_the_player_asks_what_the_recipe_taught():
    assert clip_prefix.TASK == TASK


@pytest.mark.slow
@pytest.mark.parametrize("mapper", ["transformer", "mlp"])
def test_the_recipe_makes_a_file_that_plays(recipe, there, mapper, tmp_path, monkeypatch):
    monkeypatch.setattr(clip_prefix, "BATCH", 4)
    path = clip_prefix.main(recipe, mapper)
    config, about = read_metadata(path)
    assert config["mapper"] == mapper
    assert bool(config["tuned"]) == (mapper == "mlp")
    assert set(about["reads"]) == {"clip", "language-model"}
    for name in ("unfold", "speak"):
        rows = [json.loads(line) for line in (recipe.folder / f"{name}.jsonl").read_text().splitlines()]
        assert rows
        assert all(np.isfinite(row["loss"]) for row in rows)
        assert "facts are told" in (recipe.folder / "samples" / f"{name}-last.txt").read_text("utf-8")
    assert clip_prefix.main(recipe, mapper).read_bytes() == path.read_bytes()
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    texts = Model(max_tokens=8).generate_texts([world.render(world.Scene())] * 2, [0, 0])
    assert texts[0] == texts[1]
    assert isinstance(there.tokenizer, ChatTokenizer)
