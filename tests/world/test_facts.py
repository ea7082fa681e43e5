import numpy as np
import pytest
from hypothesis import given
from world_strategies import scenes

from telephone import world
from telephone.core.errors import WorldError
from telephone.world.facts import CELL_FACTS, SCENE_FACTS, cell_targets, described_scene, scene_of, scene_targets
from telephone.world.layout import layout
from telephone.world.scene import KINDS, PLACES


@given(scenes())
def test_answers_turn_back_into_what_can_be_seen(scene):
    seen = scene_of(cell_targets(scene), scene_targets(scene))
    assert (seen.setting, seen.time, seen.weather, seen.style) == (
        scene.setting, scene.time, scene.weather, scene.style,
    )  # fmt: skip
    assert {(t.kind, t.colour, t.size, t.count, t.place) for t in seen.things} == {
        (t.kind, t.colour, t.size, t.count, place) for t, place in zip(scene.things, layout(scene), strict=True)
    }
    assert [thing.place for thing in seen.things] == sorted(layout(scene), key=PLACES.index)
    assert (cell_targets(described_scene(seen)) == cell_targets(scene)).all()


def test_the_facts_of_an_empty_cell_are_not_asked():
    cells = cell_targets(world.Scene(things=(world.Thing("apple", None, "small", 4, "top"),)))
    assert cells[PLACES.index("top")].tolist() == [1, 0, 1, 3]
    assert cells[:4].tolist() == [[0, -1, -1, -1]] * 4
    assert scene_targets(world.Scene()).tolist() == [0, 0, 0, 0]


def test_of_two_equal_groups_the_first_is_told():
    cat = [KINDS.index("cat") + 1, 3, 0]
    cells = np.array([[*cat, 1], [0, -1, -1, -1], [*cat, 2], *[[0, -1, -1, -1]] * 3])
    told = scene_of(cells, np.zeros(4, dtype=np.int64))
    assert [(thing.kind, thing.count, thing.place) for thing in told.things] == [("cat", 2, "left")]


def test_in_space_there_is_no_weather():
    told = scene_of(cell_targets(world.Scene()), np.array([8, 2, 3, 1]))
    assert (told.setting, told.time, told.weather, told.style) == ("space", "day", "clear", "sketch")


@pytest.mark.parametrize(
    ("cells", "whole", "message"),
    [
        (np.zeros((5, 4), int), np.zeros(4, int), r"shape \(5, 4\): give them as \(6, 4\)"),
        (np.zeros((6, 4), int), np.zeros(3, int), r"shape \(3,\): give them as \(4,\)"),
        (np.full((6, 4), 40), np.zeros(4, int), "class index of the kind is out of range: give numbers from 0 to 32"),
        (np.array([[1, -1, 0, 0]] * 6), np.zeros(4, int), "class index of the colour is out of range"),
        (
            np.zeros((6, 4), int),
            np.array([0, 0, 5, 0]),
            "weather is out of range: give numbers from 0 to 4",
        ),
    ],
)
def test_answers_that_cannot_be_are_refused(cells, whole, message):
    with pytest.raises(WorldError, match=message):
        scene_of(cells, whole)


def test_there_are_as_many_answers_as_questions_have():
    assert list(CELL_FACTS.values()) == [33, 11, 3, 4]
    assert list(SCENE_FACTS.values()) == [9, 3, 5, 4]
