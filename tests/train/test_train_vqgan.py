"""The recipe of the VQGAN from end to end with a CLIP that has learned nothing, and where a gradient may go."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from telephone.core.errors import WeightsError
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.vqgan import PatchDiscriminator, Vqgan, VqganConfig
from telephone.train import vqgan
from telephone.train.common.recipe import Recipe

TINY = VqganConfig(codes=16, channels=4, encoder_width=8, decoder_width=16, blocks=1)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setattr(vqgan, "VqganConfig", lambda: TINY)
    monkeypatch.setattr(vqgan, "BATCH", 8)
    vision, text = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2, queries=1), ClipTextConfig(words=("a",))
    torch.manual_seed(0)
    clip = Clip(ClipConfig(vision, replace(text, width=16, layers=1, heads=2, queries=1), embedding=8))
    save_weights(tmp_path / "clip.safetensors", clip, clip.config, {})
    return Recipe(tmp_path / "vqgan", tmp_path / "vqgan.safetensors", minutes=0.01, threads=1, pictures=64)


@pytest.mark.slow
def test_the_recipe_makes_a_file_and_goes_on_where_it_was(recipe):
    path = vqgan.main(recipe)
    config, about = read_metadata(path)
    assert about["player"] == "pocket/vqgan"
    net = Vqgan(VqganConfig.from_dict(config))
    read_weights([path], net)
    for name in ("vqgan", "vqgan-gan"):
        rows = [json.loads(line) for line in (recipe.folder / f"{name}.jsonl").read_text().splitlines()]
        assert all(np.isfinite(row["loss"]) and 1 <= row["codes"] <= 16 for row in rows)
    assert (recipe.folder / "samples" / "vqgan-0.png").exists()
    assert (recipe.folder / "samples" / "vqgan-last.png").exists()
    logs = (recipe.folder / "vqgan.jsonl").read_text()
    first = load_file(path)
    vqgan.main(recipe)  # all time is used up, so nothing is learned again
    assert (recipe.folder / "vqgan.jsonl").read_text() == logs
    again = load_file(path)
    assert all(torch.equal(again[name], value) for name, value in first.items())


def test_without_clip_it_says_which_recipe_comes_first(recipe, monkeypatch):
    def nowhere(name):
        raise WeightsError(f"Make them with `telephone learn {name}`.")

    recipe.weights.with_name("clip.safetensors").unlink()
    monkeypatch.setattr("telephone.models.pocket.weights.find", nowhere)
    with pytest.raises(WeightsError, match="telephone learn clip"):
        vqgan.main(recipe)


def test_each_rival_is_moved_by_its_own_loss_only():
    torch.manual_seed(0)
    judge = PatchDiscriminator(8)
    x, y = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16, requires_grad=True)
    pleasing, telling = vqgan.contest(judge, x, y)
    pleasing.backward()
    assert y.grad.abs().sum() > 0
    assert all(p.grad is None for p in judge.parameters())
    y.grad = None
    telling.backward()
    assert y.grad is None
    assert all(p.grad is not None for p in judge.parameters())


def test_things_and_edges_count_more():
    x = torch.zeros(1, 3, 64, 64)
    y = x.clone()
    y[..., 20:30, 20:30] = 0.5
    weight = torch.ones(1, 1, 64, 64)
    plain = vqgan.reconstruction(x, y, weight)
    assert vqgan.reconstruction(x, y, 4 * weight) == pytest.approx(4 * plain.item(), rel=1e-5)
    speckled = x.clone()
    speckled[..., :20:2, :20:2] = 0.5  # as many wrong pixels, with more edges
    assert vqgan.reconstruction(x, speckled, weight) > plain
