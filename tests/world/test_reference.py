"""Which phrases mean the same thing, and that the order of sentences decides nothing."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world_strategies import scenes

from telephone.core.errors import WorldError
from telephone.world import Relation, Scene, Thing, atoms, caption, compare, parse, sample_any

LEFT, RIGHT = Thing("boat", "red", place="left"), Thing("boat", "red", place="right")


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("On the left there is a red boat. On the right there is a red boat.", (LEFT, RIGHT)),
        ("a red boat on the left and a red boat on the right", (LEFT, RIGHT)),
        ("a red boat left, red boat right", (LEFT, RIGHT)),
        ("左边有一艘红色的船。右边有一艘红色的船。", (LEFT, RIGHT)),
        ("左边有一艘红色的船，右边还有一艘红色的船。", (LEFT, RIGHT)),
        ("A red boat on the left and another red boat on the right.", (LEFT, RIGHT)),
        ("On the left there is the red boat. On the right there is the red boat.", (LEFT, RIGHT)),
        # a place is stated once: the same boat
        ("A red boat. A red boat on the left.", (LEFT,)),
        ("A red boat on the left, a red boat.", (LEFT,)),
        ("A red boat on the left, a red boat on the left.", (LEFT,)),
        # definite phrases refer back
        ("A red boat. The boat is on the left.", (LEFT,)),
        ("A red boat on the left. The red boat is on the left.", (LEFT,)),
        ("The boat is on the left. There is a red boat.", (LEFT,)),
        ("There is a boat. The red boat is on the left.", (LEFT,)),
        ("There is a boat. The boat is red. It is on the left.", (LEFT,)),
        ("A red boat on the left. The boat is big.", (Thing("boat", "red", "big", place="left"),)),
        ("有一艘红色的船。它在左边。", (LEFT,)),
        ("A red boat and a blue boat. The boat is on the left.",
         (Thing("boat", "red"), Thing("boat", "blue", place="left"))),
        ("A red boat and a blue boat. The red boat is on the left.", (LEFT, Thing("boat", "blue"))),
        # of "another" without a place there is one more
        ("A red boat. Another red boat.", (Thing("boat", "red", count=2),)),
        ("Two red boats and one more red boat.", (Thing("boat", "red", count=3),)),
        # a colour makes another thing
        ("A red boat. A boat.", (Thing("boat", "red"), Thing("boat"))),
    ],
)  # fmt: skip
def test_the_same_thing_or_another(text: str, things: tuple[Thing, ...]) -> None:
    assert parse(text).things == things


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("There is a cat. To the right of it there is a dog.",
         Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "right of", 0),))),
        ("There is a cat. A dog is right of it.",
         Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "right of", 0),))),
        ("There is a cat. On its left is a dog.",
         Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "left of", 0),))),
        ("There is a cat, and to its left, a dog.",
         Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "left of", 0),))),
        ("有一只猫。它的左边有一只狗。",
         Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "left of", 0),))),
        ("猫左边有一只狗", Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "left of", 0),))),
        ("树下有一只猫", Scene(things=(Thing("tree"), Thing("cat")), relations=(Relation(1, "below", 0),))),
        ("There is a dog above the cat. There is a cat.",
         Scene(things=(Thing("cat"), Thing("dog")), relations=(Relation(1, "above", 0),))),
        # of two equal boats neither is meant, and a thing without a place cannot be told from one with a place
        ("A red boat on the left, a red boat on the right, a cat above the red boat.",
         Scene(things=(LEFT, RIGHT, Thing("cat")))),
    ],
)  # fmt: skip
def test_relations_to_what_was_said_before(text: str, scene: Scene) -> None:
    assert parse(text) == scene


def test_equal_groups_are_a_valid_scene_only_where_places_distinguish_them() -> None:
    pair = Scene(things=(LEFT, RIGHT))
    for lang, wordings in (
        ("en", ("short", "list", "plain", "detailed", "story")),
        ("zh", ("short", "plain", "detailed")),
    ):
        assert all(parse(caption(pair, lang, wording)) == pair for wording in wordings)
    for things, relations in (
        ((LEFT, Thing("boat", "red")), ()),
        ((Thing("boat", "red"), Thing("boat", "red")), ()),
        ((LEFT, RIGHT, Thing("cat")), (Relation(2, "above", 0),)),
    ):
        with pytest.raises(WorldError, match="distinguished by their places"):
            Scene(things=things, relations=relations)


def _sentences(text: str) -> list[str]:
    return re.findall(r"[^.。]+[.。]", text)


def _statements(scene: Scene) -> tuple[object, ...]:
    """Returns what a scene says, whatever the order of its things."""
    related = {
        (scene.things[subject], name, scene.things[anchor]) for subject, name, anchor in scene.relations
    }  # fmt: skip
    return scene.setting, scene.time, scene.weather, scene.style, frozenset(scene.things), frozenset(related)


def _score(truth: Scene, text: str) -> tuple[int, ...]:
    found = compare(truth, parse(text))
    return len(found.kept), len(found.wrong), len(found.missing), len(found.invented)


@given(scene=scenes(), truth=scenes(), seed=st.integers(0, 10_000))
@settings(max_examples=80, deadline=None)
def test_the_order_of_sentences_changes_no_scene_and_no_score(scene: Scene, truth: Scene, seed: int) -> None:
    """Captions of whole sentences name every anchor, so each sentence is complete in itself."""
    for lang, wording in (("en", "detailed"), ("en", "story"), ("zh", "detailed")):
        sentences = _sentences(caption(scene, lang, wording))
        shuffled = random.Random(seed).sample(sentences, len(sentences))
        text, other = " ".join(sentences), " ".join(shuffled)
        assert _statements(parse(other)) == _statements(parse(text)), other
        assert _score(truth, other) == _score(truth, text)


@given(levels=st.lists(st.integers(0, 5_000), min_size=2, max_size=3), seed=st.integers(0, 10_000))
@settings(max_examples=80, deadline=None)
def test_contradictory_descriptions_do_not_depend_on_the_order_either(levels: list[int], seed: int) -> None:
    """Sentences of several scenes in one text contradict each other, and name more things than a scene can hold."""
    parts = [_sentences(caption(sample_any(level), "en", "detailed")) for level in levels]
    sentences = [sentence for part in parts for sentence in part]
    shuffled = random.Random(seed).sample(sentences, len(sentences))
    truth = sample_any(levels[0])
    text, other = " ".join(sentences), " ".join(shuffled)
    assert _statements(parse(text)) == _statements(parse(other)), other
    assert _score(truth, text) == _score(truth, other)


def test_facts_of_the_scene_are_decided_by_how_many_sentences_state_them() -> None:
    assert parse("It is night on a beach. A park at night. A sunset in a park.") == Scene("park", "night")
    assert atoms(parse("A beach. A park.")) == atoms(parse("A park. A beach."))
