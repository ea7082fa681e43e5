"""The recipes that build on BLIP, from end to end with one step a stage: their files play, and BLIP stays as it is."""

import numpy as np
import pytest
import torch

from telephone import world
from telephone.core.errors import UsageError
from telephone.models import image2text
from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig
from telephone.nets.checkpoint import read_metadata, read_tensors
from telephone.nets.clip import ClipConfig
from telephone.nets.tokenizer import EOS, split
from telephone.train import blip_vqa, clip_caption_reward
from telephone.train.common import data, feature_cache
from telephone.world.questions import understand

PICTURES = [world.render(world.parse(text)) for text in ("a red apple on a beach", "two blue boats at night", "")]


@pytest.mark.slow
def test_answers_are_learned_beside_blip(make_recipe, losses, tmp_path, monkeypatch):
    monkeypatch.setattr(blip_vqa, "SCENES", 1)
    before = image2text("pocket/blip").generate_texts(PICTURES)
    recipe = make_recipe("blip-vqa")
    path = blip_vqa.main(recipe)
    assert read_metadata(path)[1]["model"] == "pocket/blip"
    losses(recipe)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    model = image2text("pocket/blip")
    asked = ["What colour is the apple?", "Are there any boats?", "What is the setting?"]
    together = model.answer(PICTURES, asked)
    assert together == [model.answer([p], [q])[0] for p, q in zip(PICTURES, asked, strict=True)]
    assert model.answer([], []) == []
    with pytest.raises(UsageError, match="3 images and 1 questions"):
        model.answer(PICTURES, asked[:1])
    assert model.generate_texts(PICTURES) == before
    assert (recipe.folder / "samples" / "vqa-last.txt").read_text().count("per cent right") == 3


@pytest.mark.slow
def test_a_captioner_is_tuned_by_clips_reward(make_recipe, losses, tmp_path, monkeypatch):
    monkeypatch.setattr(clip_caption_reward, "BATCH", 2)
    monkeypatch.setattr(clip_caption_reward, "evaluate", lambda *given: None)
    recipe = make_recipe("clip-caption-reward")
    path = clip_caption_reward.main(recipe)
    names = set(read_tensors(path))
    assert {name.split(".")[0] for name in names} == {"blocks", "norm"}
    assert not any("bidirectional" in name for name in names)
    assert len(losses(recipe)) == 2
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    assert len(set(image2text("pocket/clip-caption-reward").generate_texts(PICTURES))) == 3


def test_embeddings_of_clip_are_computed_once(make_recipe, monkeypatch):
    class Flat(torch.nn.Module):
        config = ClipConfig(embedding=12)

        def encode_image(self, x):
            return x.flatten(1)[:, :12]

    first = clip_caption_reward.clip_embeddings(make_recipe("r"), Flat(), 20)
    monkeypatch.setattr(data, "paint", None)
    assert (clip_caption_reward.clip_embeddings(make_recipe("r"), Flat(), 20) == first).all()
    assert first.shape == (20, 12)
    assert feature_cache.image_set(make_recipe("r")) == "sight 0"


def test_captions_and_damaged_ones_come_in_equal_numbers():
    rng = np.random.default_rng(0)
    scenes = [data.train_scene("damage", i) for i in range(20)]
    words = sorted({word for scene in scenes for word in words_of(scene)})
    net = Blip(BlipConfig(text=BlipTextConfig(words=tuple(words), width=16, layers=1, heads=2)))
    tokens, correct = clip_caption_reward.examples(net, scenes, rng)
    assert correct.tolist() == [1.0] * 20 + [0.0] * 20
    assert (tokens == EOS).sum(1).tolist() == [1] * 40
    good = {tuple(row) for row in tokens[:20].tolist()}
    assert not good & {tuple(row) for row in tokens[20:].tolist()}


def words_of(scene):
    return split(world.caption(data.visible(scene), "en", clip_caption_reward.WORDING))


def test_each_kind_of_question_is_evaluated():
    cat, dog = world.Thing("cat", "red"), world.Thing("dog", "blue")
    scene = world.Scene("beach", "night", "rain", "neon", (cat, dog))
    assert {understand(question).about for question in blip_vqa.one_of_each(scene, 0)} == set(blip_vqa.ABOUT)
