"""The recipe of VQGAN-CLIP: twins differ in one fact, batches stay together, and a run can be stopped and go on."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from telephone import world
from telephone.core.errors import WeightsError
from telephone.nets.checkpoint import read_metadata, read_weights, save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.vqgan import Vqgan, VqganConfig
from telephone.nets.vqgan_clip import FeedForward, FeedForwardConfig
from telephone.train import vqgan_clip, vqgan_clip_undo
from telephone.train.common import data, hard_negatives
from telephone.train.common.recipe import Recipe, shipped_or_learned
from telephone.world.scene import atoms

ASKED = data.cell_targets, data.scene_targets


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.delenv("TELEPHONE_WEIGHTS", raising=False)
    return Recipe(tmp_path / "vqgan-clip", tmp_path / "vqgan-clip.safetensors", minutes=0.02, threads=1, pictures=120)


def _make_others(folder):
    torch.manual_seed(0)
    vision = VisionConfig(stem=(8, 8, 8), width=16, layers=1, heads=2)
    words = data.learn_words(100).words[4:]
    clip = Clip(ClipConfig(vision, ClipTextConfig(words=words, width=16, layers=1, heads=2), 24))
    save_weights(folder / "clip.safetensors", clip, clip.config, {})
    vqgan = Vqgan(VqganConfig(codes=32, channels=8, encoder_width=8, decoder_width=8, blocks=1))
    save_weights(folder / "vqgan.safetensors", vqgan, vqgan.config, {})


def _small(frame):
    return FeedForward(replace(frame.shape(), width=16, layers=1, heads=2, context=12, fine=8))


def test_a_twin_differs_in_one_fact_that_may_be_trained():
    rng = np.random.default_rng(0)
    for index in range(300):
        scene = data.train_scene("twin", index)
        other = hard_negatives.twin(scene, rng)
        assert other != scene
        assert len(set(atoms(scene)) ^ set(atoms(other))) <= 4
        assert not any(world.held_out(thing.kind, thing.colour) for thing in other.things)


def test_a_twin_stands_beside_its_sentence():
    batch = next(vqgan_clip.sentences(0, batch=8))
    assert len(batch) == 8
    for first, second in zip(batch[::2], batch[1::2], strict=True):
        assert first != second
        shared = set(first.split()) & set(second.split())
        assert len(shared) >= len(set(first.split())) - 4
    assert batch == next(vqgan_clip.sentences(0, batch=8))
    assert batch != next(vqgan_clip.sentences(1, batch=8))


def test_weights_beside_the_recipe_come_first(recipe):
    _make_others(recipe.weights.parent)
    assert shipped_or_learned(recipe, "clip") == recipe.weights.with_name("clip.safetensors")
    with pytest.raises(WeightsError, match="telephone learn no-such"):
        shipped_or_learned(recipe, "no-such")


def test_the_loss_tells_its_terms_and_teaches_only_the_net(recipe):
    _make_others(recipe.weights.parent)
    frame = vqgan_clip.FrozenNets.load(recipe)
    torch.manual_seed(0)
    net = _small(frame)
    texts = next(vqgan_clip.sentences(0, batch=8))
    weights, generator = vqgan_clip.LossWeights(smooth=0.1), torch.Generator().manual_seed(0)
    loss, parts = vqgan_clip.drawing_loss(net, frame, texts, weights, generator)
    assert set(parts) == {"distance", "contrast", "commitment", "diversity", "right"}
    assert 0 <= parts["right"] <= 1
    assert parts["diversity"] > 0
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())
    assert all(p.grad is None for p in frame.clip.parameters())
    assert all(p.grad is None for p in frame.vqgan.parameters())


def test_commitment_is_nothing_for_codes(recipe):
    _make_others(recipe.weights.parent)
    vqgan = vqgan_clip.FrozenNets.load(recipe).vqgan
    codes = vqgan.look_up(torch.randint(32, (2, 16, 16), generator=torch.Generator().manual_seed(0)))
    assert vqgan_clip.commitment(vqgan, codes) < 1e-6
    assert vqgan_clip.commitment(vqgan, codes * 0.5) > 0.1


def test_embeddings_are_moved_along_what_the_map_left():
    embeddings, gaps = torch.eye(24), 0.2 * torch.eye(24).roll(1, dims=1)
    far = vqgan_clip_undo.blurred(embeddings, gaps, torch.Generator().manual_seed(0))
    assert torch.allclose(far.norm(dim=1), torch.ones(24), atol=1e-5)
    assert (far - embeddings).norm(dim=1).max() > 0
    # The tangent of the angle is at most the length of a gap, and more only for the gap that lies along its own row.
    assert (far * embeddings).sum(1).min() >= (1 + 0.2**2) ** -0.5 - 1e-4
    still = vqgan_clip_undo.blurred(embeddings, 0 * gaps, torch.Generator().manual_seed(0))
    assert torch.allclose(still, embeddings)


def test_whitened_embeddings_are_uncorrelated(recipe):
    _make_others(recipe.weights.parent)
    net = _small(vqgan_clip.FrozenNets.load(recipe))
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(24, 24, generator=generator)
    rows = torch.randn(4000, 24, generator=generator) @ mixed + 5
    vqgan_clip_undo.whiten(net, rows, floor=0.0)
    with torch.no_grad():
        made = net.whiten(rows)
    assert torch.allclose(made.mean(0), torch.zeros(24), atol=1e-3)
    assert torch.allclose(made.T @ made / len(made), torch.eye(24), atol=1e-2)


def test_the_bridge_leads_from_sentences_to_their_pictures(recipe):
    _make_others(recipe.weights.parent)
    frame = vqgan_clip.FrozenNets.load(recipe)
    rows, texts = vqgan_clip_undo.prepare(recipe, frame.clip, frame.vqgan)
    count = int(recipe.pictures * vqgan_clip_undo.PICTURES)
    assert len(texts) == count
    assert rows.embeddings.shape == (count, 24)
    assert rows.codes.shape == rows.weight.shape == (count, 16, 16)
    assert rows.weight.min() >= 1
    assert rows.cells.shape == (count, 6, 4)
    assert torch.equal(rows.some(torch.tensor([3, 1])).whole, rows.whole[[3, 1]])
    net, words = _small(frame), frame.read(texts)
    before = (net.cross(words) * rows.embeddings).sum(1).mean()
    vqgan_clip_undo.bridge(net, words, rows.embeddings)
    assert (net.cross(words) * rows.embeddings).sum(1).mean() > max(0.8, before)


def test_the_bridge_keeps_what_pictures_tell_with_little_certainty(recipe):
    _make_others(recipe.weights.parent)
    net, generator = _small(vqgan_clip.FrozenNets.load(recipe)), torch.Generator().manual_seed(0)
    told = torch.nn.functional.normalize(torch.randn(4000, 24, generator=generator) + 1, dim=-1)
    unsure = told + 0.2 * torch.randn(
        4000, 24, generator=generator
    )  # in each direction as much noise as there is to tell
    seen = torch.nn.functional.normalize(unsure, dim=-1)
    vqgan_clip_undo.bridge(net, told, seen)
    led = net.bridge(told).detach()
    assert torch.allclose(led.mean(0), seen.mean(0), atol=1e-2)
    assert torch.allclose(led.var(0), seen.var(0), rtol=0.1)
    guess = vqgan_clip_undo.left_over(told, seen) + seen
    assert guess.var(0).mean() < 0.8 * led.var(0).mean()


def test_undoing_is_learned_from_codes(recipe):
    _make_others(recipe.weights.parent)
    frame = vqgan_clip.FrozenNets.load(recipe)
    torch.manual_seed(0)
    net = _small(frame)
    codes = torch.randint(4, (4, 16, 16), generator=torch.Generator().manual_seed(0)) * 7
    scenes = [data.train_scene("undo", i) for i in range(4)]
    cells, whole = (torch.from_numpy(np.stack([ask(scene) for scene in scenes])) for ask in ASKED)
    rows = vqgan_clip_undo.Undone(torch.eye(24)[:4], codes, torch.ones(4, 16, 16), cells, whole)
    undoing, gaps = vqgan_clip_undo.Undoing(net), torch.zeros(1, 24)
    optimizer, generator = torch.optim.Adam(undoing.parameters(), lr=1e-2), torch.Generator().manual_seed(0)
    losses = []
    for _ in range(12):
        loss, parts = vqgan_clip_undo.undo_loss(undoing, frame.vqgan, rows, gaps, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert parts["right"] > 0.15


@pytest.mark.slow
def test_the_recipe_makes_a_file_and_goes_on(recipe):
    _make_others(recipe.weights.parent)
    path = vqgan_clip.main(recipe)
    config, about = read_metadata(path)
    assert about["player"] == "pocket/vqgan-clip"
    read_weights([path], FeedForward(FeedForwardConfig.from_dict(config)))
    for name in ("undo-last", "vqgan-clip-last"):
        assert (recipe.folder / "samples" / f"{name}.png").exists()
    steps, used = _progress(recipe)
    vqgan_clip.main(replace(recipe, minutes=(used + 0.02) / vqgan_clip.SHARES["please"]))
    more, _ = _progress(recipe)
    assert more > steps > 0
    rows = [json.loads(line) for line in (recipe.folder / "vqgan-clip.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(0, more, 20))
    assert all(np.isfinite(row["loss"]) for row in rows)


def _progress(recipe):
    with safe_open(recipe.folder / "vqgan-clip.safetensors", "pt") as file:
        note = file.metadata()
    return int(note["step"]), float(note["used"]) / 60
