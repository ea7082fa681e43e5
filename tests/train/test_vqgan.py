"""The recipe of the VQGAN from end to end with a CLIP that has learned nothing, and where a gradient may go."""

import signal
from dataclasses import replace

import pytest
import torch

from telephone.core.errors import WeightsError
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.vqgan import PatchDiscriminator, Vqgan, VqganConfig
from telephone.train import vqgan
from telephone.train.common.recipe import StagePlan
from telephone.train.common.stage import Stage

TINY = VqganConfig(codes=16, channels=4, encoder_width=8, decoder_width=16, blocks=1)


@pytest.fixture
def recipe(tmp_path, make_recipe, monkeypatch):
    monkeypatch.setattr(vqgan, "VqganConfig", lambda: TINY)
    monkeypatch.setattr(vqgan, "BATCH", 8)
    vision, text = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2, queries=1), ClipTextConfig(words=("a",))
    torch.manual_seed(0)
    clip = Clip(ClipConfig(vision, replace(text, width=16, layers=1, heads=2, queries=1), embedding=8))
    save_weights(tmp_path / "clip.safetensors", clip, clip.config, {})
    return make_recipe("vqgan", pictures=64)


@pytest.mark.slow
def test_the_recipe_makes_a_file_and_resumes(recipe, losses):
    path = vqgan.main(recipe)
    config, about = read_metadata(path)
    assert about["model"] == "pocket/vqgan"
    net = Vqgan(VqganConfig.from_dict(config))
    read_weights([path], net)
    for name in ("vqgan", "vqgan-gan"):
        losses(recipe, name)
        assert all(1 <= codes <= 16 for codes in losses(recipe, name, "codes"))
    assert (recipe.folder / "samples" / "vqgan-0.png").exists()
    assert (recipe.folder / "samples" / "vqgan-last.png").exists()
    logs = (recipe.folder / "vqgan.jsonl").read_text()
    first = path.read_bytes()
    vqgan.main(recipe)  # all steps are taken, so nothing is learned again
    assert (recipe.folder / "vqgan.jsonl").read_text() == logs
    assert path.read_bytes() == first


def test_without_clip_it_says_which_recipe_comes_first(recipe, monkeypatch):
    def nowhere(name):
        raise WeightsError(f"Make them with `telephone learn {name}`.")

    recipe.weights.with_name("clip.safetensors").unlink()
    monkeypatch.setattr("telephone.models.pocket.weights.find", nowhere)
    with pytest.raises(WeightsError, match="telephone learn clip"):
        vqgan.main(recipe)


def test_generator_and_discriminator_learn_from_their_own_loss_only():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(8)
    x, y = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16, requires_grad=True)
    generator, critic = vqgan.adversarial_losses(discriminator, x, y)
    generator.backward()
    assert y.grad.abs().sum() > 0
    assert all(p.grad is None for p in discriminator.parameters())
    y.grad = None
    critic.backward()
    assert y.grad is None
    assert all(p.grad is not None for p in discriminator.parameters())


def test_things_and_edges_count_more():
    x = torch.zeros(1, 3, 64, 64)
    y = x.clone()
    y[..., 20:30, 20:30] = 0.5
    weight = torch.ones(1, 1, 64, 64)
    plain = vqgan.reconstruction_loss(x, y, weight)
    assert vqgan.reconstruction_loss(x, y, 4 * weight) == pytest.approx(4 * plain.item(), rel=1e-5)
    speckled = x.clone()
    speckled[..., :20:2, :20:2] = 0.5  # as many wrong pixels, with more edges
    assert vqgan.reconstruction_loss(x, speckled, weight) > plain


@pytest.mark.slow
def test_an_interrupted_recipe_makes_the_same_file(recipe, monkeypatch):
    monkeypatch.setattr(vqgan, "STAGES", {"vqgan": StagePlan(4, 1), "vqgan-gan": StagePlan(3, 1)})
    recipe = replace(recipe, scale=1.0)
    broken = replace(recipe, folder=recipe.folder.with_name("broken"), weights=recipe.weights.with_name("broken.x"))
    path, update, updates = vqgan.main(recipe), Stage.update, []

    def interrupted(stage, loss, **parts):
        update(stage, loss, **parts)
        updates.append(stage.name)
        if len(updates) in (2, 6):
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Stage, "update", interrupted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            vqgan.main(broken)
    assert vqgan.main(broken).read_bytes() == path.read_bytes()
    assert updates == ["vqgan"] * 4 + ["vqgan-gan"] * 3
