"""The recipe of VQGAN-CLIP: its captions, its losses, its linear maps, and a run from end to end that resumes."""

from dataclasses import replace

import pytest
import torch

from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.vqgan import Vqgan, VqganConfig
from telephone.nets.vqgan_clip import FeedForward, FeedForwardConfig
from telephone.train import vqgan_clip, vqgan_clip_inversion
from telephone.train.common import data
from telephone.train.common.heads import fact_targets
from telephone.train.common.recipe import StagePlan
from telephone.train.common.stage import Stage


@pytest.fixture
def recipe(make_recipe, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    return make_recipe("vqgan-clip", pictures=120)


def _make_others(folder):
    torch.manual_seed(0)
    vision = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2)
    words = data.learn_words(100).words[4:]
    clip = Clip(ClipConfig(vision, ClipTextConfig(words=words, width=16, layers=1, heads=2), 24))
    save_weights(folder / "clip.safetensors", clip, clip.config, {})
    vqgan = Vqgan(VqganConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1))
    save_weights(folder / "vqgan.safetensors", vqgan, vqgan.config, {})


def _small(nets):
    return FeedForward(replace(nets.shape(), width=16, layers=1, heads=2, context=12, fine=8))


def captions(recipe, step=0):
    """The captions of a step, eight a batch."""
    recipe.folder.mkdir(exist_ok=True)
    stage = Stage(recipe, vqgan_clip.STAGES, "vqgan-clip", torch.nn.Linear(1, 1), rate=1.0)
    stage.step = step
    return next(vqgan_clip.caption_batches(stage, 8))


def test_a_hard_negative_follows_its_caption(recipe):
    batch = captions(recipe)
    assert len(batch) == 8
    for first, second in zip(batch[::2], batch[1::2], strict=True):
        assert first != second
        shared = set(first.split()) & set(second.split())
        assert len(shared) >= len(set(first.split())) - 4
    assert batch == captions(recipe)
    assert batch != captions(recipe, 1)
    assert batch != captions(replace(recipe, seed=1))


def test_the_loss_tells_its_terms_and_teaches_only_the_net(recipe):
    _make_others(recipe.weights.parent)
    nets = vqgan_clip.FrozenNets.load(recipe)
    torch.manual_seed(0)
    net = _small(nets)
    texts = captions(recipe)
    weights, generator = vqgan_clip.LossWeights(smooth=0.1), torch.Generator().manual_seed(0)
    loss, parts = vqgan_clip.generation_loss(net, nets, texts, weights, generator)
    assert set(parts) == {"distance", "contrast", "commitment", "diversity", "right"}
    assert 0 <= parts["right"] <= 1
    assert parts["diversity"] > 0
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())
    assert all(p.grad is None for p in nets.clip.parameters())
    assert all(p.grad is None for p in nets.vqgan.parameters())


def test_commitment_is_nothing_for_codes(recipe):
    _make_others(recipe.weights.parent)
    vqgan = vqgan_clip.FrozenNets.load(recipe).vqgan
    codes = vqgan.look_up(torch.randint(32, (2, 16, 16), generator=torch.Generator().manual_seed(0)))
    assert vqgan_clip.commitment_loss(vqgan, codes) < 1e-6
    assert vqgan_clip.commitment_loss(vqgan, codes * 0.5) > 0.1


def test_embeddings_are_moved_along_what_the_map_left():
    embeddings, gaps = torch.eye(24), 0.2 * torch.eye(24).roll(1, dims=1)
    far = vqgan_clip_inversion.noisy(embeddings, gaps, torch.Generator().manual_seed(0))
    assert torch.allclose(far.norm(dim=1), torch.ones(24), atol=1e-5)
    assert (far - embeddings).norm(dim=1).max() > 0
    # The tangent of the angle is at most the length of a gap, and more only for the gap that lies along its own row.
    assert (far * embeddings).sum(1).min() >= (1 + 0.2**2) ** -0.5 - 1e-4
    still = vqgan_clip_inversion.noisy(embeddings, 0 * gaps, torch.Generator().manual_seed(0))
    assert torch.allclose(still, embeddings)


def test_whitened_embeddings_are_uncorrelated(recipe):
    _make_others(recipe.weights.parent)
    net = _small(vqgan_clip.FrozenNets.load(recipe))
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(24, 24, generator=generator)
    rows = torch.randn(4000, 24, generator=generator) @ mixed + 5
    vqgan_clip_inversion.set_whitening(net, rows, floor=0.0)
    with torch.no_grad():
        made = net.whiten(rows)
    assert torch.allclose(made.mean(0), torch.zeros(24), atol=1e-3)
    assert torch.allclose(made.T @ made / len(made), torch.eye(24), atol=1e-2)


def test_the_bridge_leads_from_sentences_to_their_pictures(recipe):
    _make_others(recipe.weights.parent)
    nets = vqgan_clip.FrozenNets.load(recipe)
    rows, texts = vqgan_clip_inversion.prepare(recipe, nets.clip, nets.vqgan)
    count = int(recipe.pictures * vqgan_clip_inversion.PICTURES)
    assert len(texts) == count
    assert rows.embeddings.shape == (count, 24)
    assert rows.codes.shape == rows.weight.shape == (count, 16, 16)
    assert rows.weight.min() >= 1
    assert rows.cells.shape == (count, 6, 4)
    assert torch.equal(rows.some(torch.tensor([3, 1])).whole, rows.whole[[3, 1]])
    net, words = _small(nets), nets.encode_texts(texts)
    before = (net.to_image_embedding(words) * rows.embeddings).sum(1).mean()
    vqgan_clip_inversion.set_bridge(net, words, rows.embeddings)
    assert (net.to_image_embedding(words) * rows.embeddings).sum(1).mean() > max(0.8, before)


def test_the_bridge_keeps_what_pictures_tell_with_little_certainty(recipe):
    _make_others(recipe.weights.parent)
    net, generator = _small(vqgan_clip.FrozenNets.load(recipe)), torch.Generator().manual_seed(0)
    told = torch.nn.functional.normalize(torch.randn(4000, 24, generator=generator) + 1, dim=-1)
    unsure = told + 0.2 * torch.randn(
        4000, 24, generator=generator
    )  # in each direction as much noise as there is to tell
    seen = torch.nn.functional.normalize(unsure, dim=-1)
    vqgan_clip_inversion.set_bridge(net, told, seen)
    led = net.bridge(told).detach()
    assert torch.allclose(led.mean(0), seen.mean(0), atol=1e-2)
    assert torch.allclose(led.var(0), seen.var(0), rtol=0.1)
    guess = vqgan_clip_inversion.residuals(told, seen) + seen
    assert guess.var(0).mean() < 0.8 * led.var(0).mean()


def test_trained_is_learned_from_codes(recipe):
    _make_others(recipe.weights.parent)
    nets = vqgan_clip.FrozenNets.load(recipe)
    torch.manual_seed(0)
    net = _small(nets)
    codes = torch.randint(4, (4, 16, 16), generator=torch.Generator().manual_seed(0)) * 7
    scenes = [data.train_scene("undo", i) for i in range(4)]
    cells, whole = fact_targets(scenes)
    rows = vqgan_clip_inversion.EncodedImages(torch.eye(24)[:4], codes, torch.ones(4, 16, 16), cells, whole)
    trained, gaps = vqgan_clip_inversion.FeedForwardWithHeads(net), torch.zeros(1, 24)
    optimizer, generator = torch.optim.Adam(trained.parameters(), lr=1e-2), torch.Generator().manual_seed(0)
    losses = []
    for _ in range(12):
        loss, parts = vqgan_clip_inversion.inversion_loss(trained, nets.vqgan, rows, gaps, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert parts["right"] > 0.15


@pytest.mark.slow
def test_the_recipe_makes_a_file_and_resumes(recipe, losses, monkeypatch):
    _make_others(recipe.weights.parent)
    path = vqgan_clip.main(recipe)
    config, about = read_metadata(path)
    assert about["model"] == "pocket/vqgan-clip"
    assert about["steps"] == {"invert-clip": 1, "vqgan-clip": 1}
    read_weights([path], FeedForward(FeedForwardConfig.from_dict(config)))
    for name in ("invert-clip-last", "vqgan-clip-last"):
        assert (recipe.folder / "samples" / f"{name}.png").exists()
    monkeypatch.setattr(vqgan_clip, "STAGES", {"invert-clip": StagePlan(1, 1), "vqgan-clip": StagePlan(3, 1)})
    longer = vqgan_clip.main(replace(recipe, scale=1.0))
    assert read_metadata(longer)[1]["steps"]["vqgan-clip"] == 3
    losses(recipe)
