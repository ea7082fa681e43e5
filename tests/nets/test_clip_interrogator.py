"""The interrogator at toy size: its banks, and a chain that only ever comes nearer to the picture."""

import pytest
import torch
from torch.nn import functional as F

from telephone import world
from telephone.models.pocket.clip_interrogator import phrase_banks
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.clip_interrogator import NEAREST, Interrogator
from telephone.nets.tokenizer import split

CAPTIONS = ["A red cat on a beach.", "Two blue boats, at night.", ""]


@pytest.fixture(scope="module")
def clip():
    torch.manual_seed(0)
    phrases = [phrase for bank in phrase_banks().values() for phrase in bank]
    words = tuple(sorted({word for text in phrases + CAPTIONS for word in split(text)}))
    vision = VisionConfig(image_size=16, stem=(8, 8, 16), width=16, layers=1, heads=2, queries=2)
    text = ClipTextConfig(words=words, width=16, layers=1, heads=2, queries=2)
    return Clip(ClipConfig(vision, text, embedding=8)).eval()


@pytest.fixture
def images():
    return torch.randn(3, 8, generator=torch.Generator().manual_seed(3))


def test_every_phrase_says_one_thing_and_no_two_say_the_same():
    for name, phrases in phrase_banks().items():
        scenes = [world.parse(phrase) for phrase in phrases]
        assert len(set(scenes)) == len(phrases) >= 2
        for scene in scenes:
            assert {"kind", "colour"} if name == "things" else {name} == {a.attribute for a in world.atoms(scene)}


def test_the_nearest_phrases_of_each_bank_are_tried(clip, images):
    interrogator = Interrogator(clip, phrase_banks())
    unit = F.normalize(images, dim=-1)
    for image, phrases in zip(unit, interrogator.nearest(unit), strict=True):
        assert len(phrases) == sum(NEAREST.values())
        cosines = [float(interrogator.embed([phrase])[0] @ image) for phrase in phrases]
        assert cosines == sorted(cosines, reverse=True)
        for name, bank in interrogator.banks.items():
            best = bank[int((interrogator.vectors[name] @ image).argmax())]
            assert best in phrases


def test_a_phrase_stays_only_if_the_text_comes_nearer(clip, images):
    interrogator = Interrogator(clip, phrase_banks(), margin=0.01)
    told = interrogator.chain(images, CAPTIONS)
    before, after = (
        F.cosine_similarity(interrogator.embed([text or "." for text in texts]), images) for texts in (CAPTIONS, told)
    )
    grown = [text != caption for text, caption in zip(told, CAPTIONS, strict=True)]
    assert any(grown)
    for better, near, nearer, text, caption in zip(grown, before, after, told, CAPTIONS, strict=True):
        assert text.startswith(caption.rstrip("."))
        assert nearer > near + 0.01 if better else abs(nearer - near) < 1e-5


def test_margin_and_number_of_phrases_are_kept_to(clip, images):
    assert Interrogator(clip, phrase_banks(), margin=2.1).chain(images, CAPTIONS[:2] + ["A cat."])[:2] == CAPTIONS[:2]
    assert Interrogator(clip, phrase_banks(), most=0).chain(images[:2], CAPTIONS[:2]) == CAPTIONS[:2]
    phrases = {phrase for bank in phrase_banks().values() for phrase in bank}
    for most in (1, 2):
        told = Interrogator(clip, phrase_banks(), margin=-1.0, most=most).chain(images[:2], CAPTIONS[:2])
        for text, caption in zip(told, CAPTIONS, strict=False):
            added = text.rstrip(".")[len(caption) :].lstrip(", ").split(", ")
            assert len(added) == most
            assert set(added) <= phrases


def test_a_text_does_not_depend_on_its_company(clip, images):
    interrogator = Interrogator(clip, phrase_banks())
    together = interrogator.chain(images, CAPTIONS)
    assert together == [interrogator.chain(images[i : i + 1], CAPTIONS[i : i + 1])[0] for i in range(3)]
