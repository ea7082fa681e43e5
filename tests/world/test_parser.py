"""What is said is read back exactly; what is damaged is read as well as can be, and never breaks the reader."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world_strategies import TELLINGS, captions, damaged_captions, scenes

from telephone.world import Relation, Scene, Thing, caption, parse, read, sample_any


@pytest.mark.parametrize(("lang", "wording"), TELLINGS)
@given(scene=scenes())
@settings(max_examples=60, deadline=None)
def test_any_scene_is_read_back_exactly(lang: str, wording: str, scene: Scene) -> None:
    text = caption(scene, lang, wording)
    assert read(text) == (scene, ()), text


@pytest.mark.parametrize(("lang", "wording"), TELLINGS)
def test_sampled_scenes_are_read_back_exactly(lang: str, wording: str) -> None:
    for seed in range(150):
        scene = sample_any(seed)
        assert parse(caption(scene, lang, wording)) == scene


@given(text=captions())
@settings(max_examples=100, deadline=None)
def test_case_and_stutter_change_nothing(text: str) -> None:
    scene = parse(text)
    assert parse(text.upper()) == scene
    if " " in text:
        assert parse(" ".join(word for word in text.split() for _ in range(1 + word.isalpha()))) == scene


@given(scene=scenes())
@settings(max_examples=60, deadline=None)
def test_english_needs_no_punctuation_where_the_place_comes_last(scene: Scene) -> None:
    for wording in ("short", "list", "plain"):
        text = caption(scene, "en", wording)
        assert parse(text.replace(",", "").replace(".", "").lower()) == scene, text


@given(text=damaged_captions())
@settings(max_examples=300, deadline=None)
def test_a_damaged_caption_gives_a_valid_scene(text: str) -> None:
    scene = parse(text)
    assert Scene(**{name: getattr(scene, name) for name in scene.__dataclass_fields__}) == scene
    assert len(parse(caption(scene)).things) == len(scene.things)


@given(text=st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_string_raises(text: str) -> None:
    assert isinstance(parse(text), Scene)


VOCABULARY = (
    "a the two one red blue big small apple apples cat dog left right top of to above below there is are and "
    ", . in on at space beach night rain sketch it then picture table 有 的左边 的上方 左边 红色 两 个 苹果 在 ， 。"
)


@given(words=st.lists(st.sampled_from(VOCABULARY.split()), max_size=40))
@settings(max_examples=500, deadline=None)
def test_word_salad_gives_a_valid_scene(words: list[str]) -> None:
    scene = parse(" ".join(words))
    assert parse(caption(scene)) == scene


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "🦊🚀", "....", "\x00\ud800", "the the the", "左", "的左边", "left of", "a" * 10_000]
)
def test_odd_strings_are_empty_scenes(text: str) -> None:
    assert parse(text).things == ()


def _calls(text: str) -> int:
    """Returns how many functions are called while a text is parsed."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        parse(text)
    finally:
        sys.setprofile(before)
    return count


def test_the_work_grows_linearly_with_the_length_of_a_text() -> None:
    part = "a red red apple apple on the left of the the blue boat above 苹果的左边有 "
    parse(part * 80)  # fills the caches
    short, middle, long = (_calls(part * count) for count in (20, 40, 80))
    assert 1.5 * (middle - short) < long - middle < 2.05 * (middle - short)
    assert _calls(part * 20_000) < 1.1 * _calls(part * 1_000)  # a very long text is cut off


STUTTER = "a red red apple apple on the the left left and two two blue blue boats boats on a a beach beach"


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("a park in the rain", Scene("park", weather="rain")),
        (STUTTER, Scene("beach", things=(Thing("apple", "red", place="left"), Thing("boat", "blue", count=2)))),
        ("red apple blue boat", Scene(things=(Thing("apple", "red"), Thing("boat", "blue")))),
        ("a red apple on the left, a green cup on the left", Scene(
            things=(Thing("apple", "red", place="left"), Thing("cup", "green")))),
        ("a red apple and a big red apple on the right", Scene(things=(Thing("apple", "red", "big", place="right"),))),
        ("a red hat in space at night in the rain", Scene("space", things=(Thing("hat", "red"),))),
        ("a red hat above the blue dog", Scene(things=(Thing("hat", "red"),))),
        ("a cat to the left of a dog", Scene(
            things=(Thing("dog"), Thing("cat")), relations=(Relation(1, "left of", 0),))),
        ("There is a cat. There is a dog. Above the cat there is a hat.", Scene(
            things=(Thing("cat"), Thing("dog"), Thing("hat")), relations=(Relation(2, "above", 0),))),
        ("There is a red cat and a dog. The cat is above the dog.", Scene(
            things=(Thing("dog"), Thing("cat", "red")), relations=(Relation(1, "above", 0),))),
        ("The house is blue. It is on the left.", Scene(things=(Thing("house", "blue", place="left"),))),
        ("On the left is a dog, on the right a cat", Scene(
            things=(Thing("dog", place="left"), Thing("cat", place="right")))),
        ("three ships on the left of the picture", Scene(things=(Thing("boat", count=3, place="left"),))),
        ("tiny kittens under a huge parasol on a snowy beach", Scene(
            "beach", weather="snow", things=(Thing("umbrella", None, "big"), Thing("cat", None, "small", 2)),
            relations=(Relation(1, "below", 0),))),
        ("a cat under cloudy skies", Scene(weather="cloudy", things=(Thing("cat"),))),
        ("a red table and a chair", Scene(things=(Thing("chair"),))),
        ("一只黑猫在一只白狗的左边，下雪", Scene(
            weather="snow", things=(Thing("dog", "white"), Thing("cat", "black")),
            relations=(Relation(1, "left of", 0),))),
        ("图片的左边有一只猫", Scene(things=(Thing("cat", place="left"),))),
        ("沙滩上有两把红色雨伞和一只小狗", Scene("beach", things=(
            Thing("umbrella", "red", count=2), Thing("dog", None, "small")))),
    ],
)  # fmt: skip
def test_ordinary_sentences(text: str, scene: Scene) -> None:
    assert parse(text) == scene


def test_of_more_than_six_things_those_that_state_most_are_read() -> None:
    named = ["a cat", "a dog", "a hat", "a key", "a red cup", "a big fish", "a tree", "a car on the left"]
    things = parse(", ".join(named)).things
    assert [thing.kind for thing in things] == ["cat", "dog", "hat", "cup", "fish", "car"]
    assert {thing.kind for thing in parse(", ".join(reversed(named))).things} == {thing.kind for thing in things}


def test_unknown_words_are_told_in_order() -> None:
    text = "A red apple sitting on a wooden table with sunlight streaming in from a window."
    assert read(text) == (
        Scene(things=(Thing("apple", "red"),)),
        ("sitting", "wooden", "table", "sunlight", "streaming", "window"),
    )
    assert read("一位老师骑车").unknown == ("位老师骑",)
