"""What follows from stated places and relations, against every arrangement of the things."""

from itertools import product

from hypothesis import given, settings
from world_strategies import scenes

from telephone.world import Scene, compare, parse
from telephone.world.entailment import implied, possible
from telephone.world.layout import holds
from telephone.world.scene import PLACES, RELATIONS


def _arrangements(scene: Scene) -> list[tuple[str, ...]]:
    """Returns every arrangement in which the stated places and relations hold; things may share a place."""
    choices = [(thing.place,) if thing.place else PLACES for thing in scene.things]
    return [
        places
        for places in product(*choices)
        if all(holds(name, places[subject], places[anchor]) for subject, name, anchor in scene.relations)
    ]


@given(scene=scenes(max_things=4))
@settings(max_examples=100, deadline=None)
def test_what_is_possible_is_what_some_arrangement_has(scene: Scene) -> None:
    found, known = _arrangements(scene), possible(scene)
    assert known.consistent == bool(found)
    for index in range(len(scene.things) if found else 0):
        assert {place for place in PLACES if known.may_be(index, place)} == {places[index] for places in found}
        for other in range(index):
            for name in RELATIONS:
                true = [holds(name, places[index], places[other]) for places in found]
                assert known.holds(name, index, other) == all(true)
                assert known.may_hold(name, index, other) == any(true)


@given(scene=scenes())
@settings(max_examples=60, deadline=None)
def test_a_stated_place_is_implied_and_an_open_one_is_not(scene: Scene) -> None:
    beside = {index for relation in scene.relations for index in (relation.subject, relation.anchor)}
    for index, thing in enumerate(scene.things):
        if thing.place or index not in beside:
            assert implied(scene).place(index) == thing.place


def test_beside_a_thing_is_in_its_row_and_above_it_in_its_column() -> None:
    scene = parse("a cat in the middle, a dog left of the cat, a hat above the dog")
    assert [implied(scene).place(index) for index in range(3)] == ["middle", "left", "top left"]
    assert [possible(scene).may_be(1, place) for place in PLACES] == [True, False, False, False, False, False]


def test_where_a_picture_would_put_a_thing_states_nothing() -> None:
    for truth in ("a red boat in the middle", "一艘红色的船在中间"):
        assert [atom.value for atom in compare(parse(truth), parse("a red boat")).missing] == ["middle"]
    truth = parse("a cat, a dog left of the cat")
    for text in ("a cat, a dog", "a dog, a cat"):
        assert [atom.attribute for atom in compare(truth, parse(text)).missing] == ["relation"]
    assert compare(truth, parse("a cat in the middle, a dog on the left")).recall == 1.0


def test_contradictory_relations_leave_the_places_as_they_are_said() -> None:
    scene = parse("a cat on the left, a dog left of the cat, a hat at the top")
    assert not implied(scene).consistent
    assert [implied(scene).place(index) for index in range(3)] == ["left", None, "top"]
    assert compare(scene, scene).recall == 1.0
