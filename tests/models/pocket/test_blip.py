"""Shipped weights: BLIP sees what it is asked for, and the two players that are made from it and CLIP play."""

import pytest

from telephone import world
from telephone.models import image2text, pocket
from telephone.world.questions import agrees, answer, ask

SEEN = 0.75
"""Well below what docs/pocket.md reports, so that only a real loss fails."""


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.mark.slow
def test_what_is_in_a_picture_is_seen_when_it_is_asked_for():
    scenes = [world.sample("easy", 9_000 + i, split="test") for i in range(12)]
    asked = [(scene, atom) for scene in scenes for atom in world.atoms(scene)]
    player = pocket.PocketBlip()
    pictures = {scene: world.render(scene) for scene in scenes}
    told = player.answer([pictures[scene] for scene, _ in asked], [ask(scene, atom) for scene, atom in asked])
    seen = [bool(agrees(atom, text)) for (_, atom), text in zip(asked, told, strict=True)]
    assert sum(seen) >= SEEN * len(seen)


def test_an_answer_is_the_same_in_any_company():
    scenes = [world.parse(text) for text in ("a red apple on a beach", "two blue boats at night", "a green tree")]
    pictures = [world.render(scene) for scene in scenes]
    player = pocket.PocketBlip()
    questions = ["What is the setting?", "What time of day is it?", "What style is the picture in?"]
    together = player.answer(pictures, questions)
    assert together == [player.answer([p], [q])[0] for p, q in zip(pictures, questions, strict=True)]
    assert together == [answer(scene, question) for scene, question in zip(scenes, questions, strict=True)]


@pytest.mark.parametrize("ref", ["pocket/clip-caption-reward", "pocket/clip-interrogator"])
def test_players_made_from_blip_and_clip_describe(ref):
    player, blip = image2text(ref), image2text("pocket/blip")
    assert player.lacks() == ""
    assert player.traits().fingerprint != blip.traits().fingerprint
    scenes = [world.sample("easy", 9_100 + i, split="test") for i in range(8)]
    pictures = [world.render(scene) for scene in scenes]
    told = player.generate_texts(pictures, [0] * 8)
    assert told[:2] == player.generate_texts(pictures[:2], [0] * 2)
    marks = [world.compare(scene, world.parse(text)) for scene, text in zip(scenes, told, strict=True)]
    kept = sum(len(mark.kept) for mark in marks)
    assert kept >= 0.8 * sum(len(world.atoms(scene)) for scene in scenes)


def test_the_interrogator_adds_to_what_blip_says_or_leaves_it():
    pictures = [world.render(world.sample("medium", 9_200 + i)) for i in range(8)]
    said = image2text("pocket/blip").generate_texts(pictures, [0] * 8)
    told = image2text("pocket/clip-interrogator").generate_texts(pictures, [0] * 8)
    assert all(long.startswith(short.rstrip(".")) for long, short in zip(told, said, strict=True))
    assert image2text("pocket/clip-interrogator?phrases=0").generate_texts(pictures, [0] * 8) == said
