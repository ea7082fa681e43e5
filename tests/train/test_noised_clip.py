"""The recipe of the noised CLIP: its pairs, its losses, and a run from end to end that resumes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.noised_clip import NoisedClip, NoisedClipConfig
from telephone.train import noised_clip
from telephone.train.common import data
from telephone.train.common.recipe import StagePlan


@pytest.fixture
def recipe(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    monkeypatch.setattr(noised_clip, "BATCH", 4)
    made = make_recipe("noised-clip", pictures=64)
    torch.manual_seed(0)
    vision = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2, queries=2)
    text = ClipTextConfig(data.learn_words().words[4:], width=16, layers=1, heads=2, convolutions=1, queries=2)
    net = Clip(ClipConfig(vision, text, embedding=8))
    save_weights(made.weights.with_name("clip.safetensors"), net, net.config, {})
    made.folder.mkdir()
    return made


def test_pairs_are_those_of_training_scenes_with_a_caption_and_a_hard_negative(recipe):
    pairs = noised_clip.prepare(recipe, noised_clip.load_clip(recipe))
    assert pairs.pixels.shape == (64, 32, 32, 3)
    assert pairs.texts.shape == (64, 2, 8)
    assert np.allclose(np.linalg.norm(pairs.texts.astype(np.float32), axis=-1), 1, atol=0.01)
    assert torch.allclose(pairs.clean.norm(dim=-1), torch.ones(64), atol=0.01)
    scenes = data.paint("noised 0", 64).scenes
    assert not any(world.held_out(thing.kind, thing.colour) for scene in scenes for thing in scene.things)


def test_the_recipe_makes_a_file_and_resumes(recipe, losses, monkeypatch):
    path = noised_clip.main(recipe)
    config, about = read_metadata(path)
    assert about["steps"] == {"noised-clip": 1}
    assert len(about["clip"]) == 64
    read_weights([path], NoisedClip(NoisedClipConfig.from_dict(config)))
    monkeypatch.setattr(noised_clip, "STAGES", {"noised-clip": StagePlan(3, 1)})
    longer = noised_clip.main(replace(recipe, scale=1.0))
    assert read_metadata(longer)[1]["steps"] == {"noised-clip": 3}
    losses(recipe, key="contrast")
    assert all(0 <= value <= 2 for value in losses(recipe, key="apart"))
