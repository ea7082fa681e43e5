"""The recipe of CLIP from end to end in a few seconds, and the pictures that it turns against the net."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.models import embedder
from telephone.nets.checkpoint import read_metadata
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig, contrastive_loss
from telephone.train import clip
from telephone.train.blip import BlipBatches
from telephone.train.common import data
from telephone.train.common.recipe import Recipe


@pytest.mark.slow
def test_the_recipe_makes_a_file_that_embeds(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(clip, "PAIRS", 40)
    recipe = Recipe(tmp_path / "clip", tmp_path / "clip.safetensors", minutes=0.02, threads=1, pictures=80)
    path = clip.main(recipe)
    assert read_metadata(path)[1]["player"] == "pocket/clip"
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    made = embedder("pocket/clip").embed_images([world.render(world.Scene())] * 2)
    assert np.allclose(made[0], made[1], atol=1e-5)
    for name in ("clip-look", "clip-read"):
        rows = [json.loads(line) for line in (recipe.folder / f"{name}.jsonl").read_text().splitlines()]
        assert all(0 <= row["right"] <= 1 for row in rows)
    for name in ("clip", "clip-robust"):
        rows = [json.loads(line) for line in (recipe.folder / f"{name}.jsonl").read_text().splitlines()]
        assert rows
        assert all(np.isfinite(row["contrast"]) for row in rows)
    assert "R@1" in (recipe.folder / "retrieval.txt").read_text()
    again = clip.main(replace(recipe, weights=tmp_path / "again.safetensors"))
    assert torch.equal(_weights(again), _weights(path))  # all minutes are used up, so nothing more is learned


def _weights(path):
    from safetensors.torch import load_file

    return torch.cat([value.flatten() for value in load_file(path).values()])


def test_pictures_against_the_net_are_near_and_fool_it_more():
    torch.manual_seed(0)
    config = ClipConfig(
        VisionConfig(stem=(8, 8, 8), width=16, heads=2), ClipTextConfig(("red",), width=16, heads=2), 16
    )
    net = Clip(config)
    x, text = torch.rand(6, 3, 64, 64) - 0.5, torch.randn(6, 16)
    moved = clip.against(net, x, text, np.random.default_rng(0))
    far = (moved - x).flatten(1).norm(dim=1)
    assert bool((far <= clip.STRENGTH + 1e-4).all())
    assert bool((far > 0).any())
    with torch.no_grad():
        logits = [net.scale() * torch.cosine_similarity(net.encode_image(p)[:, None], text, dim=-1) for p in (x, moved)]
    assert contrastive_loss(logits[1]) > contrastive_loss(logits[0])


def test_batches_hold_sentences_of_like_length():
    pictures = data.paint("test clip", 60)
    batches = clip.told(BlipBatches(pictures, np.random.default_rng(0), size=6))
    drawn = [texts for _, (_, texts) in zip(range(8), batches, strict=False)]
    assert all(len(texts) == 6 + 6 for texts in drawn)  # fewer than `TWINS`: each has one
    assert all(first != second for texts in drawn for first, second in zip(texts[:6], texts[6:], strict=True))
    spread = [max(map(len, texts[:6])) - min(map(len, texts[:6])) for texts in drawn]
    whole = [len(data.any_caption(scene, np.random.default_rng(1))) for scene in pictures.scenes]
    assert np.mean(spread) < (max(whole) - min(whole)) / 2


def test_a_twin_is_a_wrong_answer_for_its_picture():
    near = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    fooled = near.clone()
    fooled[0, 2] = 4.0
    assert torch.allclose(clip.with_twins(near[:, :2]), contrastive_loss(near[:, :2]))
    assert clip.with_twins(fooled) > clip.with_twins(near) + 0.1
    # A row that does not count is no wrong answer for the others either.
    assert torch.allclose(clip.with_twins(fooled, torch.tensor([False, True])), torch.tensor(0.009075), atol=1e-5)


def test_heads_ask_for_each_cell_and_the_whole():
    torch.manual_seed(0)
    config = ClipConfig(
        VisionConfig(stem=(8, 8, 8), width=16, heads=2), ClipTextConfig(("red",), width=16, heads=2), 16
    )
    exam = clip.Exam(Clip(config))
    asked = sum(data.CELL_FACTS.values()), sum(data.SCENE_FACTS.values())
    answers = exam(torch.randn(2, 16)), exam.image(torch.zeros(2, 3, 64, 64)), exam.text(torch.tensor([[1, 4, 2]] * 2))
    for cells, whole in answers:
        assert cells.shape == (2, 6, asked[0])
        assert whole.shape == (2, asked[1])


def test_only_projections_learn_while_the_encoders_are_locked(tmp_path):
    torch.manual_seed(0)
    tokenizer = data.learn_words(60)
    shape = ClipTextConfig(tokenizer.words[4:], width=16, heads=2)
    net = Clip(ClipConfig(VisionConfig(stem=(8, 8, 8), width=16, heads=2), shape, 16))
    recipe = Recipe(tmp_path, tmp_path / "w.safetensors", minutes=1, threads=1, pictures=80)
    known = clip.gather(recipe, net, tokenizer, data.paint("test locked", 80))
    assert known.images.shape == known.texts.shape == known.twins.shape == (32, 7 * 16)
    assert not torch.allclose(known.texts, known.twins)
    learning = [name for name, _ in clip.Comparing(clip.Exam(net)).named_parameters()]
    assert {name.split(".")[0] for name in learning} == {"image", "text", "scale", "cells", "whole"}
    assert len(learning) == 2 + 1 + 4
