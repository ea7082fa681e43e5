"""The recipe of the CLIP prefix from end to end in both forms, and what it keeps of CLIP's views."""

from dataclasses import replace

import pytest
import torch

from telephone import world
from telephone.models.pocket.clip_prefix import TASK
from telephone.models.pocket.clip_prefix import PocketClipPrefix as Model
from telephone.nets.checkpoint import read_metadata, save_weights
from telephone.nets.clip import Clip, ClipConfig, VisionConfig
from telephone.nets.clip import ClipTextConfig as ClipTextConfig
from telephone.nets.clip_prefix import ClipPrefix, unprojected_features
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train import clip_prefix, language_model
from telephone.train import clip_prefix_data as views
from telephone.train.common import data
from telephone.train.common.instructions import sentence
from telephone.train.common.visual_words import word_embeddings
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets


@pytest.fixture
def recipe(tmp_path, make_recipe):
    torch.manual_seed(0)
    vision = VisionConfig(stem=(8, 8, 8), width=16, layers=1)
    clip = Clip(ClipConfig(vision, ClipTextConfig(width=16, layers=1), embedding=24))
    save_weights(tmp_path / "clip.safetensors", clip, clip.config, {})
    words = language_model.learn_words(200)
    model = LanguageModel(LanguageModelConfig(words=words, width=16, layers=1, hidden=16))
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {}, bits=8)
    return make_recipe("clip-prefix")


@pytest.fixture
def parts(recipe):
    recipe.start()
    clip = clip_prefix.frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    return clip_prefix.FrozenParts(clip, *clip_prefix.feature_cache.language_model(recipe))


def test_views_are_those_of_clip_and_are_computed_once(recipe, parts, monkeypatch):
    seen = views.clip_features(recipe, parts.clip)
    assert seen.shape == (80, 7 * 16)
    pictures = data.paint("sight 0", 80)
    clear = torch.from_numpy(data.to_unit(pictures.pixels[40:]))
    with torch.no_grad():
        assert torch.allclose(seen[40:], unprojected_features(parts.clip, clear), atol=1e-2)
    monkeypatch.setattr(data, "paint", None)
    again = views.clip_features(replace(recipe, folder=recipe.folder / "other"), parts.clip)
    assert torch.equal(seen, again)
    with pytest.raises(TypeError):
        views.clip_features(replace(recipe, pictures=81), parts.clip)


def test_the_last_layer_starts_near_the_words(recipe, parts, monkeypatch):
    torch.manual_seed(0)
    net = ClipPrefix(clip_prefix.config_of(parts, "transformer"))
    scenes = [data.train_scene("sight 0", i) for i in range(80)]
    raw = views.clip_features(recipe, parts.clip)
    seen = clip_prefix.ClipFeatures(scenes, clip_prefix.whitened(net, raw))
    monkeypatch.setattr(views, "CONFIDENCE", 0.0)
    words = word_embeddings(scenes, parts.model, parts.tokenizer)
    with torch.no_grad():
        before = (net(raw) - words).square().mean()
        clip_prefix.fit_last_layer(clip_prefix.PrefixWithHeads(net), seen, parts)
        after = (net(raw) - words).square().mean()
    assert after < before / 5
    assert after <= (words - words.mean((0, 1))).square().mean()


def test_only_confident_facts_are_stated():
    scene = world.parse("Two small red cats on the left and a blue dog on the right, on a beach at night.")
    cells = {k: torch.zeros(6, n) for k, n in CELL_FACTS.items()}
    whole = {k: torch.zeros(n) for k, n in SCENE_FACTS.items()}
    told = views.confident_scene(scene, cells, whole)
    assert told.setting is None
    assert len(told.things) == 2, "of things of equal chance all are told, as something must be"
    whole["setting"][1] = 1
    assert sentence(views.confident_scene(scene, cells, whole)) == "On a beach."
    truth = torch.from_numpy(cell_targets(scene))
    for index, name in enumerate(CELL_FACTS):
        cells[name][0, truth[0, index]] = 1
    assert world.caption(views.confident_scene(scene, cells, whole), "en", "plain") == (
        "Two small red cats on the left, on a beach."
    )
    cells["colour"][0] = 0.1
    cells["count"][0] = 0.1
    assert (
        world.caption(views.confident_scene(scene, cells, whole), "en", "plain")
        == "A small cat on the left, on a beach."
    )


def test_views_are_whitened_but_for_the_directions_without_variance(recipe, parts):
    net = ClipPrefix(clip_prefix.config_of(parts, "mlp"))
    raw = torch.randn(400, 112) * torch.logspace(0, -2, 112) + 3
    spread = clip_prefix.whitened(net, raw * torch.rand(400, 1))
    assert spread.mean(0).abs().max() < 1e-2
    assert (spread.T @ spread / 400 - torch.eye(112)).abs().mean() < 0.02
    assert torch.allclose(net.map(raw[:3]), net.mapper(spread[:3]), atol=1e-3)


def test_with_all_facts_confident_the_visible_scene_is_left():
    for index in range(60):
        scene = data.train_scene("sure", index)
        cells = {k: torch.ones(6, n) for k, n in CELL_FACTS.items()}
        whole = {k: torch.ones(n) for k, n in SCENE_FACTS.items()}
        assert views.confident_scene(scene, cells, whole) == data.visible(scene)


def test_the_model_gets_the_task_of_the_recipe():
    assert clip_prefix.TASK == TASK


@pytest.mark.slow
@pytest.mark.parametrize("mapper", ["transformer", "mlp"])
def test_the_recipe_makes_a_file_that_plays(recipe, parts, mapper, tmp_path, losses, monkeypatch):
    monkeypatch.setattr(clip_prefix, "BATCH", 4)
    path = clip_prefix.main(recipe, mapper)
    config, about = read_metadata(path)
    assert config["mapper"] == mapper
    assert bool(config["tuned"]) == (mapper == "mlp")
    assert set(about["reads"]) == {"clip", "language-model"}
    for name in clip_prefix.STAGES:
        losses(recipe, name)
        assert "facts are kept" in (recipe.folder / "samples" / f"{name}-last.txt").read_text("utf-8")
    assert clip_prefix.main(recipe, mapper).read_bytes() == path.read_bytes()
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    texts = Model(max_tokens=8).generate_texts([world.render(world.Scene())] * 2, [0, 0])
    assert texts[0] == texts[1]
    assert isinstance(parts.tokenizer, ChatTokenizer)
