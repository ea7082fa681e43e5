"""What is kept, wrong, missing and invented, worked out by hand."""

import pytest
from hypothesis import given, settings
from world_strategies import scenes

from telephone.world import Atom, Scene, SceneComparison, atoms, compare, parse


@given(scene=scenes())
@settings(max_examples=150, deadline=None)
def test_a_scene_keeps_all_of_itself(scene: Scene) -> None:
    assert compare(scene, scene) == SceneComparison(atoms(scene), (), (), ())


@given(truth=scenes(), other=scenes())
@settings(max_examples=150, deadline=None)
def test_every_fact_is_counted_once(truth: Scene, other: Scene) -> None:
    result = compare(truth, other)
    told = [*result.kept, *(ours for ours, _ in result.wrong), *result.missing]
    assert sorted(told, key=str) == sorted(atoms(truth), key=str)
    said = [*(theirs for _, theirs in result.wrong), *result.invented]
    assert len(set(said)) == len(said) and set(said) <= set(atoms(other))
    for number in (result.recall, result.precision, result.f1):
        assert number is None or 0.0 <= number <= 1.0


def _told(truth: str, other: str) -> tuple[list[str], list[str], list[str], list[str]]:
    def short(atom: Atom) -> str:
        return f"{'' if atom.thing is None else atom.thing}{atom.attribute}={atom.value}"

    result = compare(parse(truth), parse(other))
    wrong = [f"{short(ours)}!{theirs.value}" for ours, theirs in result.wrong]
    return (
        [short(a) for a in result.kept],
        wrong,
        [short(a) for a in result.missing],
        [short(a) for a in result.invented],
    )


RED = ["0kind=apple", "0colour=red"]


@pytest.mark.parametrize(
    ("truth", "other", "kept", "wrong", "missing", "invented"),
    [
        # facts of the whole scene
        ("beach at night", "beach at sunset", ["setting=beach"], ["time=night!sunset"], [], []),
        ("beach at night", "beach in the rain", ["setting=beach"], [], ["time=night"], ["weather=rain"]),
        # one thing
        ("a red apple", "a blue apple", ["0kind=apple"], ["0colour=red!blue"], [], []),
        ("a red apple", "two small apples", ["0kind=apple"], [], ["0colour=red"], ["0size=small", "0count=2"]),
        ("a red apple", "a red cup", ["0colour=red"], ["0kind=apple!cup"], [], []),
        ("a red apple", "a blue cup", [], [], RED, ["0kind=cup", "0colour=blue"]),
        ("an apple on the left", "a cup on the left", ["0place=left"], ["0kind=apple!cup"], [], []),
        # places against where things stand
        ("a red apple on the left", "a red apple on the right", RED, ["0place=left!right"], [], []),
        ("a red apple on the left", "a red apple", RED, [], ["0place=left"], []),
        ("a red apple in the middle", "a red apple", RED, [], ["0place=middle"], []),
        # a place that the truth leaves open is no invention: every picture puts every thing somewhere
        ("a red apple", "a red apple in the middle", RED, [], [], []),
        ("a red apple", "a red apple on the left", RED, [], [], []),
        ("a red apple, a cat on the left", "a red apple on the right, a cat on the left",
         [*RED, "1kind=cat", "1place=left"], [], [], []),
        ("a red apple, a cat on the left", "a red apple on the left, a cat", [*RED, "1kind=cat"], [], ["1place=left"],
         ["0place=left"]),
        # relations against where things are said to stand
        ("a red apple, a cat above the red apple", "a red apple on the left, a cat at the top left",
         [*RED, "1kind=cat", "1relation=above"], [], [], []),
        ("a red apple, a cat left of the red apple", "a cat, a red apple",
         [*RED, "1kind=cat"], [], ["1relation=left of"], []),
        ("a red apple, a cat left of the red apple",
         "a dog in the middle, a red apple right of the dog, a cat left of the dog",
         [*RED, "1kind=cat", "1relation=left of"], [], [], ["0kind=dog", "0place=middle", "1relation=right of"]),
        ("a red apple on the left, a cat above the red apple", "a cat at the top right, a red apple",
         [*RED, "1kind=cat"], [], ["0place=left", "1relation=above"], []),
        ("a red apple, a cat above the red apple", "a red apple at the top, a cat on the left",
         [*RED, "1kind=cat"], ["1relation=above!left"], [], ["0place=top"]),
        ("a red apple, a cat above the red apple", "a cat, a red apple below the cat",
         [*RED, "1kind=cat", "1relation=above"], [], [], []),
        ("a red apple, a cat above the red apple", "a cat", ["1kind=cat"], [], [*RED, "1relation=above"], []),
        ("a red apple in the middle, a cat on the left", "a red apple, a cat left of the red apple",
         [*RED, "1kind=cat"], [], ["0place=middle", "1place=left"], []),
        ("a red apple in the middle, a cat on the left", "a red apple in the middle, a cat left of the red apple",
         [*RED, "0place=middle", "1kind=cat", "1place=left"], [], [], []),
        # things change places: names win over places
        ("a red apple on the left, a blue cup on the right", "a blue cup on the left, a red apple on the right",
         [*RED, "1kind=cup", "1colour=blue"], ["0place=left!right", "1place=right!left"], [], []),
        # a number that is not exact
        ("three cats", "several cats", ["0kind=cat"], [], ["0count=3"], []),
        ("three cats", "cats", ["0kind=cat"], [], ["0count=3"], []),
        ("two cats", "cats", ["0kind=cat"], [], ["0count=2"], []),
        ("a cat", "some cats", ["0kind=cat"], [], [], ["0count=several"]),
        ("many cats", "three cats", ["0kind=cat", "0count=several"], [], [], []),
        ("many cats", "a dozen cats", ["0kind=cat", "0count=several"], [], [], []),
        ("many cats", "a cat", ["0kind=cat"], [], ["0count=several"], []),
        # what is denied is missing, neither wrong nor invented
        ("a red apple on the left", "a red apple that is not on the left", RED, [], ["0place=left"], []),
        ("a red apple on the left", "an apple that is not red on the left",
         ["0kind=apple"], [], ["0colour=red", "0place=left"], []),
        ("a red apple", "no blue apple and no red apple, not on a beach", [], [], RED, []),
        # what keeps most facts is paired: a kind alone takes no thing from another
        ("two yellow planes at the top, a red star on the left", "two green stars at the top, a red cat on the left",
         ["0count=2", "0place=top", "1colour=red", "1place=left"], ["0kind=plane!star", "0colour=yellow!green",
         "1kind=star!cat"], [], []),
        # two of a kind are matched by colour, wherever they are told
        ("a red cat and two blue cats", "two blue cats and a red cat",
         ["0kind=cat", "0colour=red", "1kind=cat", "1colour=blue", "1count=2"], [], [], []),
        ("a red cat and two blue cats", "two green cats and a blue cat",
         ["0kind=cat", "1kind=cat", "1colour=blue"], ["0colour=red!green"], ["1count=2"], ["0count=2"]),
    ],
)  # fmt: skip
def test_by_hand(
    truth: str, other: str, kept: list[str], wrong: list[str], missing: list[str], invented: list[str]
) -> None:
    assert _told(truth, other) == (kept, wrong, missing, invented)


def test_the_numbers() -> None:
    result = compare(parse("two red apples on a beach at night"), parse("a red apple on a beach in a fog at sunset"))
    assert (result.recall, result.precision) == (3 / 5, 3 / 5)
    assert result.f1 == pytest.approx(0.6)
    nothing = compare(Scene(), Scene())
    assert (nothing.recall, nothing.precision, nothing.f1) == (None, None, None)
    assert compare(parse("a cat"), Scene()).recall == 0.0
    assert compare(parse("a cat"), Scene()).precision is None
