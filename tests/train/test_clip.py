"""The recipe of CLIP from end to end with one step a stage, and its adversarial images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.models import embedder
from telephone.nets.checkpoint import read_metadata
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig, contrastive_loss
from telephone.train import clip
from telephone.train.common import data


@pytest.mark.slow
def test_the_recipe_makes_a_file_that_embeds(make_recipe, losses, tmp_path, monkeypatch):
    monkeypatch.setattr(clip, "RETRIEVED", 40)
    recipe = make_recipe("clip")
    path = clip.main(recipe)
    assert read_metadata(path)[1]["model"] == "pocket/clip"
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    made = embedder("pocket/clip").embed_images([world.render(world.Scene())] * 2)
    assert np.allclose(made[0], made[1], atol=1e-5)
    for name in ("clip-vision", "clip-text"):
        assert all(0 <= share <= 1 for share in losses(recipe, name, "right"))
    for name in ("clip", "clip-robust"):
        losses(recipe, name, "contrast")
    assert "R@1" in (recipe.folder / "retrieval.txt").read_text()
    again = clip.main(replace(recipe, weights=tmp_path / "again.safetensors"))
    assert again.read_bytes() == path.read_bytes()  # all steps are taken, so nothing more is learned


@pytest.fixture
def small():
    torch.manual_seed(0)
    vision, text = VisionConfig(stem=(8, 8, 8), width=16, heads=2), ClipTextConfig(("red",), width=16, heads=2)
    return Clip(ClipConfig(vision, text, 16))


def test_adversarial_images_are_near_and_have_a_larger_loss(small):
    x, text = torch.rand(6, 3, 64, 64) - 0.5, torch.randn(6, 16)
    moved = clip.adversarial(small, x, text, np.random.default_rng(0))
    far = (moved - x).flatten(1).norm(dim=1)
    assert bool((far <= clip.STRENGTH + 1e-4).all())
    assert bool((far > 0).any())
    with torch.no_grad():
        logits = [
            small.scale() * torch.cosine_similarity(small.encode_image(p)[:, None], text, dim=-1) for p in (x, moved)
        ]
    assert contrastive_loss(logits[1]) > contrastive_loss(logits[0])


def test_a_batch_has_captions_and_then_hard_negatives():
    pairs = [(i, f"caption {i}", f"negative {i}") for i in range(12)]
    batch = clip.robust_batch(pairs)
    assert batch.rows.tolist() == list(range(12))
    assert batch.texts[:12] == [text for _, text, _ in pairs]
    assert batch.texts[12:] == [negative for _, _, negative in pairs[: clip.NEGATIVES]]


def test_all_heads_are_part_of_what_is_trained(small):
    heads = clip.ClipWithHeads(small)
    for cells, whole in (
        heads.embedding(torch.randn(2, 16)),
        heads.image(torch.zeros(2, 3, 64, 64)),
        heads.text(torch.tensor([[1, 4, 2]] * 2)),
    ):
        assert cells.shape[:2] == (2, 6)
        assert len(whole) == 2


def test_only_projections_learn_while_the_encoders_are_locked(make_recipe):
    torch.manual_seed(0)
    tokenizer = data.learn_words(60)
    text = ClipTextConfig(tokenizer.words[4:], width=16, heads=2)
    net = Clip(ClipConfig(VisionConfig(stem=(8, 8, 8), width=16, heads=2), text, 16))
    known = clip.encode(make_recipe("r"), net, tokenizer, data.paint("test locked", 80))
    assert known.images.shape == known.texts.shape == known.negatives.shape == (32, 7 * 16)
    assert not torch.allclose(known.texts, known.negatives)
    learning = [name for name, _ in clip.Projections(clip.ClipWithHeads(net)).named_parameters()]
    assert {name.split(".")[0] for name in learning} == {"image", "text", "scale", "heads"}
    assert len(learning) == 2 + 1 + 4
