"""The sentences themselves: their grammar, their length and their small vocabulary."""

import re

import pytest
from hypothesis import given, settings
from world_strategies import scenes

from telephone.core.errors import WorldError
from telephone.world import WORDINGS, Relation, Scene, Thing, caption, sample
from telephone.world.lexicon import CHINESE_KINDS, PLURALS, chinese, english
from telephone.world.scene import COLOURS, KINDS

BOATS = Scene(
    "beach",
    "sunset",
    "rain",
    "sketch",
    (Thing("apple", "red", "small", 2, "left"), Thing("boat", "blue", "big")),
    (Relation(1, "above", 0),),
)


@pytest.mark.parametrize(
    ("lang", "wording", "text"),
    [
        ("en", "short", "two small red apples on the left and a big blue boat above the red apples "
                        "on a beach at sunset in the rain, sketch"),
        ("en", "list", "sketch, beach at sunset in the rain, two small red apples left, "
                       "one big blue boat above red apples"),
        ("en", "plain", "A sketch of two small red apples on the left and a big blue boat above the red apples, "
                        "on a beach at sunset in the rain."),
        ("en", "detailed", "This is a pencil sketch of a beach at sunset. It is raining. On the left there are two "
                           "small red apples. There is a big blue boat above the red apples."),
        ("en", "story", "Once upon a time, on a beach, at sunset, in the rain, there lived two small red apples on the "
                        "left. A big blue boat stood above the red apples. Somebody drew it as a pencil sketch."),
        ("zh", "short", "素描，日落，下雨，海滩，左边两个红色小苹果，红色苹果的上方一艘蓝色大船"),
        ("zh", "plain", "一幅素描，日落的海滩，下雨，左边有两个红色小苹果，红色苹果的上方有一艘蓝色大船。"),
        ("zh", "detailed", "这是一幅素描。日落的海滩，下雨。左边有两个红色的小苹果。红色苹果的上方有一艘蓝色的大船。"),
    ],
)  # fmt: skip
def test_each_wording_word_for_word(lang: str, wording: str, text: str) -> None:
    assert caption(BOATS, lang, wording) == text


@given(scene=scenes())
@settings(max_examples=150, deadline=None)
def test_articles_and_plurals_agree(scene: Scene) -> None:
    for wording in WORDINGS["en"]:
        text = caption(scene, "en", wording).lower()
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  | [,.]|\b(two|three|four) .*\bthere is \1", text)
        for thing in scene.things:
            assert (PLURALS[thing.kind] if thing.count > 1 else thing.kind) in text


@given(scene=scenes(max_things=0))
def test_scenes_without_things_are_still_said(scene: Scene) -> None:
    for lang, wordings in WORDINGS.items():
        assert all(len(caption(scene, lang, wording)) >= 2 for wording in wordings)


def test_captions_are_compact_and_their_vocabulary_is_small() -> None:
    scenes = [sample("impossible", seed) for seed in range(400)] + [sample("easy", seed) for seed in range(400)]
    lengths = {wording: [len(caption(s, "en", wording).split()) for s in scenes] for wording in WORDINGS["en"]}
    assert sorted(lengths["plain"])[-8] <= 60 and max(lengths["plain"]) < 70
    assert sorted(lengths["short"])[-8] <= 50 and max(lengths["short"]) < 58
    said = {word for s in scenes for w in WORDINGS["en"] for word in re.findall(r"[a-z]+", caption(s, "en", w).lower())}
    assert len(said) < 145


def test_any_wording_is_chosen_by_the_seed() -> None:
    texts = {caption(BOATS, "en", "any", seed) for seed in range(60)}
    assert texts == {caption(BOATS, "en", wording) for wording in WORDINGS["en"]}
    assert caption(BOATS, "zh", "any", 5) == caption(BOATS, "zh", "any", 5)


@pytest.mark.parametrize(("lang", "wording"), [("fr", "plain"), ("en", "haiku"), ("zh", "story")])
def test_unknown_wordings_are_refused(lang: str, wording: str) -> None:
    with pytest.raises(WorldError, match="take one of"):
        caption(BOATS, lang, wording)


def test_every_value_has_words_in_both_languages() -> None:
    for lexicon in (english(), chinese()):
        told = {(meaning.what, meaning.value) for meaning in lexicon.values()}
        assert {("kind", kind) for kind in KINDS} | {("colour", colour) for colour in COLOURS} <= told
    assert all(english()[plural].value == kind for kind, plural in PLURALS.items())
    assert all(chinese()[noun[0]].what == "article" for noun in CHINESE_KINDS.values())
