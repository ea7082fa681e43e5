"""The recipes that build on BLIP, from end to end in a few seconds: their files play, and BLIP says what it said."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.core.errors import UsageError
from telephone.models import pocket
from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig
from telephone.nets.checkpoint import read_metadata, read_tensors
from telephone.nets.tokenizer import EOS, split
from telephone.train import blip_vqa, clip_caption_reward
from telephone.train.common import data
from telephone.train.common.recipe import Recipe
from telephone.world.questions import understand

PICTURES = [world.render(world.parse(text)) for text in ("a red apple on a beach", "two blue boats at night", "")]


@pytest.fixture
def recipe(tmp_path):
    return Recipe(tmp_path / "checkpoints", tmp_path / "w.safetensors", minutes=0.02, threads=1, pictures=80)


def losses(recipe):
    rows = [line for log in recipe.folder.glob("*.jsonl") for line in log.read_text().splitlines()]
    return [json.loads(row)["loss"] for row in rows]


@pytest.mark.slow
def test_answers_are_learned_beside_blip(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(blip_vqa, "SCENES", 1)
    said = pocket.Blip().generate_texts(PICTURES)
    path = blip_vqa.main(replace(recipe, weights=tmp_path / "blip-vqa.safetensors"))
    assert read_metadata(path)[1]["player"] == "pocket/blip"
    assert np.isfinite(losses(recipe)).all()
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    player = pocket.Blip()
    asked = ["What colour is the apple?", "Are there any boats?", "What is the setting?"]
    together = player.answer(PICTURES, asked)
    assert together == [player.answer([p], [q])[0] for p, q in zip(PICTURES, asked, strict=True)]
    assert player.answer([], []) == []
    with pytest.raises(UsageError, match="3 pictures and 1 questions"):
        player.answer(PICTURES, asked[:1])
    assert player.generate_texts(PICTURES) == said
    assert (recipe.folder / "samples" / "answer-last.txt").read_text().count("per cent right") == 3


@pytest.mark.slow
def test_a_captioner_is_tuned_to_please_clip(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(clip_caption_reward, "BATCH", 2)
    monkeypatch.setattr(clip_caption_reward, "examine", lambda *given: None)
    path = clip_caption_reward.main(replace(recipe, weights=tmp_path / "clip-caption-reward.safetensors"))
    names = set(read_tensors(path))
    assert {name.split(".")[0] for name in names} == {"blocks", "norm"}
    assert not any("bidirectional" in name for name in names)
    assert len(losses(recipe)) >= 2
    assert np.isfinite(losses(recipe)).all()
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    told = pocket.ClipCaptionReward().generate_texts(PICTURES)
    assert len(set(told)) == 3
    again = clip_caption_reward.clip_images(recipe, torch.nn.Identity(), 80)  # kept: CLIP is not asked again
    assert again.shape == (80, 256)


def test_captions_and_damaged_ones_come_in_equal_numbers():
    rng = np.random.default_rng(0)
    scenes = [data.train_scene("damage", i) for i in range(20)]
    words = sorted({word for scene in scenes for word in words_of(scene)})
    net = Blip(BlipConfig(text=BlipTextConfig(words=tuple(words), width=16, layers=1, heads=2)))
    tokens, sound = clip_caption_reward.examples(net, scenes, rng)
    assert sound.tolist() == [1.0] * 20 + [0.0] * 20
    assert (tokens == EOS).sum(1).tolist() == [1] * 40
    good = {tuple(row) for row in tokens[:20].tolist()}
    assert not good & {tuple(row) for row in tokens[20:].tolist()}


def words_of(scene):
    return split(world.caption(data.telling(scene), "en", clip_caption_reward.WORDING))


def test_each_sort_of_question_is_examined():
    cat, dog = world.Thing("cat", "red"), world.Thing("dog", "blue")
    scene = world.Scene("beach", "night", "rain", "neon", (cat, dog))
    assert {understand(question).about for question in blip_vqa.exam(scene, 0)} == set(blip_vqa.ABOUT)
