"""What a text denies is not stated, and only that."""

import pytest
from hypothesis import given, settings
from world_strategies import scenes

from telephone.world import Relation, Scene, Thing, atoms, caption, compare, parse, read

RED_BOAT = Scene(things=(Thing("boat", "red"),))
BOAT = Scene(things=(Thing("boat"),))
CAT = Scene(things=(Thing("cat"),))
NOTHING = Scene()

SENTENCES: list[tuple[str, Scene]] = [
    # nothing is left
    ("There is no red boat on the left and no blue fish on the right, not on a beach.", NOTHING),
    ("There isn't a red boat. There aren't any cats. There wasn't a dog.", NOTHING),
    ("Neither a boat nor a fish is on the left.", NOTHING),
    ("Neither the red boat nor the cat.", NOTHING),
    ("No cat, dog or bird at the top.", NOTHING),
    ("There is nothing. Nobody. None of the boats is red.", NOTHING),
    ("It never rains. It is not raining. It isn't night. There are no clouds, without snow.", NOTHING),
    ("A red boat is not visible. The cat is missing. A dog isn't shown.", NOTHING),
    ("The picture lacks a boat, is free of birds and devoid of cats.", NOTHING),
    ("There’s no boat.", NOTHING),
    # a colour, a place, a size
    ("Not a blue but a red boat", RED_BOAT),
    ("The boat is not blue but red.", RED_BOAT),
    ("A boat that is not blue but red", RED_BOAT),
    ("The boat is red, not blue.", RED_BOAT),
    ("The boat isn't blue. It's red.", RED_BOAT),
    ("The boat is red rather than blue.", RED_BOAT),
    ("The boat is not red.", BOAT),
    ("A boat that isn't big, and not on the left", BOAT),
    ("A non-red boat", BOAT),
    ("The boat is no longer red.", BOAT),
    ("The boat is neither red nor blue.", BOAT),
    ("The boat is not above the cat.", BOAT),
    ("The boat is not on the left but on the right.", Scene(things=(Thing("boat", place="right"),))),
    # other things
    ("A red boat without a cat", RED_BOAT),
    ("A red boat without a cat or a dog on the left", RED_BOAT),
    ("A red boat instead of a blue fish on the right", RED_BOAT),
    ("Instead of a blue fish, there is a red boat.", RED_BOAT),
    ("A red boat, not a cat.", RED_BOAT),
    ("There is no cat but a red boat.", RED_BOAT),
    ("There are no animals except a cat.", CAT),
    ("A cat, but no dog and no bird.", CAT),
    ("There is no dog, and there is a cat.", CAT),
    ("There is no dog and a cat.", CAT),
    ("There is no dog. There is a cat.", CAT),
    ("There is nothing on the left and a cat on the right.", Scene(things=(Thing("cat", place="right"),))),
    ("A red boat without a cat on a beach at night.", Scene("beach", "night", things=RED_BOAT.things)),
    ("A red boat with no cat on a beach at night.", Scene("beach", "night", things=RED_BOAT.things)),
    ("没有下雨的海滩上有一艘红色的船。", Scene("beach", things=RED_BOAT.things)),
    ("There are no boats on the beach.", Scene("beach")),
    ("There are no boats on a beach.", NOTHING),
    ("not on a beach but in a park", Scene("park")),
    ("There are no clouds in the sky at night.", NOTHING),
    # not a denial
    ("nothing but a red boat", RED_BOAT),
    ("There is nothing other than a red boat.", RED_BOAT),
    ("no one else, a red boat", RED_BOAT),
    ("The boat is not only red but also big.", Scene(things=(Thing("boat", "red", "big"),))),
    ("no more than two boats", Scene(things=(Thing("boat", count=2),))),
    ("no doubt a red boat", RED_BOAT),
    ("a red boat, not without a cat", Scene(things=(Thing("boat", "red"), Thing("cat")))),
    ("a red boat, if not a cat", Scene(things=(Thing("boat", "red"), Thing("cat")))),
    # Chinese: nothing is left
    ("没有红色的船", NOTHING),
    ("没有红色的船。", NOTHING),
    ("左边没有猫，没有狗，也没有船。", NOTHING),
    ("没有猫、狗和船。", NOTHING),
    ("无船，无云，并非夜晚。", NOTHING),
    ("没有下雨，不是夜晚，不在海滩上。", NOTHING),
    ("什么都没有。一只猫也没有。", NOTHING),
    ("這裡沒有紅色的船。", NOTHING),
    # Chinese: a colour, a place, another thing
    ("不是蓝色而是红色的船", RED_BOAT),
    ("船不是蓝色的，而是红色的。", RED_BOAT),
    ("船是红色的，不是蓝色的。", RED_BOAT),
    ("一艘不是红色的船", BOAT),
    ("不大的船", BOAT),
    ("船不在左边。", BOAT),
    ("没有猫的船", BOAT),
    ("一艘没有猫的红色的船", RED_BOAT),
    ("这不是一只猫，而是一艘红色的船。", RED_BOAT),
    ("一艘红色的船，别的什么都没有。", RED_BOAT),
    ("一艘红船，没有别的东西。", RED_BOAT),
    ("除了一艘红色的船，什么都没有。", RED_BOAT),
    ("一艘红船，并非蓝船。", RED_BOAT),
    ("船不仅是红色的，而且是大的。", Scene(things=(Thing("boat", "red", "big"),))),
    ("左边没有狗，右边有猫。", Scene(things=(Thing("cat", place="right"),))),
    ("海滩上没有船。", Scene("beach")),
    ("有一只猫，没有狗。", CAT),
    ("不同的是有一只猫。", CAT),
    # a denial of one thing leaves the others where they are
    ("a red boat on the left, no cat above it, a dog above the red boat",
     Scene(things=(Thing("boat", "red", place="left"), Thing("dog")), relations=(Relation(1, "above", 0),))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "scene"), SENTENCES)
def test_what_is_denied_is_not_stated(text: str, scene: Scene) -> None:
    assert parse(text) == scene


def test_unknown_words_in_a_denial_are_still_reported() -> None:
    assert read("A red boat without a dragon.") == (RED_BOAT, ("dragon",))


@given(scene=scenes())
@settings(max_examples=60, deadline=None)
def test_a_list_of_denials_keeps_no_fact(scene: Scene) -> None:
    """Every noun phrase of a caption is denied: nothing is kept, wrong or invented."""
    for text in (
        "".join(f"There is no {caption(Scene(things=(thing,)), wording='list')}. " for thing in scene.things),
        "".join(f"没有{caption(Scene(things=(thing,)), 'zh', 'short')}。" for thing in scene.things),
    ):
        assert parse(text) == NOTHING
        found = compare(scene, parse(text))
        assert found.missing == atoms(scene) and not found.invented
