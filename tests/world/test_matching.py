"""The assignment of things that keeps most facts, against every other assignment."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from world_strategies import scenes

from telephone.world import Scene, SceneComparison, atoms, compare, parse
from telephone.world.comparison import compare_matched
from telephone.world.entailment import implied
from telephone.world.matching import match
from telephone.world.scene import Relation, Thing


def _one_stated_agreement(truth: Scene, other: Scene, i: int, j: int) -> bool:
    one, two = truth.things[i], other.things[j]
    place = implied(other).place(j)
    return one.kind == two.kind or (one.colour or "-") == two.colour or (one.place or "-") == place


def _assignments(
    truth: Scene, other: Scene, at: int = 0, used: frozenset[int] = frozenset()
) -> Iterator[dict[int, int]]:
    if at == len(truth.things):
        yield {}
        return
    yield from _assignments(truth, other, at + 1, used)
    for j in range(len(other.things)):
        if j not in used and _one_stated_agreement(truth, other, at, j):
            yield from ({at: j, **rest} for rest in _assignments(truth, other, at + 1, used | {j}))


@st.composite
def _look_alikes(draw: st.DrawFn) -> Scene:
    """Scenes of few kinds and colours, so that many assignments compete."""
    scene = draw(scenes(max_things=4))
    kinds, colours = ("apple", "boat"), (None, "red", "blue")
    names = draw(st.permutations([(kind, colour) for kind in kinds for colour in colours]))
    things = [
        replace(thing, kind=kind, colour=colour) for thing, (kind, colour) in zip(scene.things, names, strict=False)
    ]
    return replace(scene, things=tuple(things))


@given(truth=_look_alikes(), other=_look_alikes())
@settings(max_examples=150, deadline=None)
def test_no_assignment_keeps_more_facts(truth: Scene, other: Scene) -> None:
    best = len(compare(truth, other).kept)
    assert best == max(len(compare_matched(truth, other, pairs).kept) for pairs in _assignments(truth, other))


@given(truth=_look_alikes(), other=_look_alikes(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_order_of_things_changes_no_score(truth: Scene, other: Scene, data: st.DataObject) -> None:
    expected = _score(compare(truth, other))
    assert _score(compare(_shuffled(truth, data), other)) == expected
    assert _score(compare(truth, _shuffled(other, data))) == expected


def _score(found: SceneComparison) -> list[object]:
    """Returns the facts by state, without the numbers of their things."""
    return [
        sorted((atom.attribute, str(atom.value)) for atom in found.kept),
        sorted((ours.attribute, str(ours.value), str(theirs.value)) for ours, theirs in found.wrong),
        sorted((atom.attribute, str(atom.value)) for atom in found.missing),
        sorted((atom.attribute, str(atom.value)) for atom in found.invented),
    ]


def _shuffled(scene: Scene, data: st.DataObject) -> Scene:
    """Returns the scene with its things in another order in which each anchor still comes before what is beside it."""
    order: list[int] = []
    anchors = {relation.subject: relation.anchor for relation in scene.relations}
    for index in data.draw(st.permutations(range(len(scene.things)))):
        chain = [index]
        while chain[-1] in anchors:
            chain.append(anchors[chain[-1]])
        order += [link for link in reversed(chain) if link not in order]
    where = {old: new for new, old in enumerate(order)}
    relations = sorted(Relation(where[subject], name, where[anchor]) for subject, name, anchor in scene.relations)
    return replace(scene, things=tuple(scene.things[old] for old in order), relations=tuple(relations))


@given(scene=scenes())
@settings(max_examples=100, deadline=None)
def test_a_scene_is_matched_with_itself(scene: Scene) -> None:
    assert match(scene, scene) == {index: index for index in range(len(scene.things))}
    assert compare(scene, scene).kept == atoms(scene)


def test_pairs_are_one_to_one_and_need_a_kind_a_colour_or_a_place() -> None:
    assert match(parse("a red apple, a blue cup"), parse("a blue apple")) in ({0: 0}, {1: 0})
    assert match(parse("two small apples"), parse("two small cups")) == {}
    assert match(parse("an apple on the left"), parse("a cup on the left")) == {0: 0}
    assert match(parse("an apple"), parse("a cup")) == {}


def test_a_thing_of_the_same_kind_steals_no_pair() -> None:
    truth = parse("two yellow planes at the top, two small red stars on the left")
    for kind in ("stars", "lamps"):
        stolen = parse(f"two green {kind} at the top, two small red clocks on the left")
        assert match(truth, stolen) == {0: 0, 1: 1}
        assert len(compare(truth, stolen).kept) == 6


def test_a_relation_decides_between_pairs_that_are_otherwise_equal() -> None:
    truth = Scene(things=(Thing("cat"), Thing("dog", "red")), relations=(Relation(1, "above", 0),))
    other = parse("a red cup above the cat, a red hat below the cat, a cat")
    assert compare(truth, other).recall == 3 / 4
    assert other.things[match(truth, other)[1]].kind == "cup"
