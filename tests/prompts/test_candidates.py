"""The candidates of the pocket sets: reproducible, readable by the world, and what their category says."""

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from telephone import world
from telephone.core.errors import WorldError
from telephone.prompts.candidates import CATEGORIES, LOOK_ALIKES, WORDINGS, Candidate, candidate
from telephone.world.layout import holds, layout
from telephone.world.scene import KINDS, Scene, Thing

SEEDS = range(60)


def made(category: str) -> list[Candidate]:
    return [candidate(category, seed) for seed in SEEDS]


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_sentence_is_read_exactly_and_is_kept_from_training(category: str) -> None:
    for each in made(category):
        reading = world.read(each.text)
        assert (reading.unknown, reading.scene) == ((), each.scene)
        assert any(world.held_out(thing.kind, thing.colour) for thing in each.scene.things)
        assert each == candidate(category, each.seed)
    assert len({each.text for each in made(category)}) > 50
    assert {each.wording for each in made(category)} == set(WORDINGS)


def test_categories_have_what_they_are_named_after() -> None:
    assert all(world.held_out(thing.kind, thing.colour) for each in made("rare colours") for thing in each.scene.things)
    assert all(each.scene.things[0].count >= 3 for each in made("groups"))
    assert all(thing.size == "small" for each in made("small") for thing in each.scene.things)
    assert {each.scene.time for each in made("night")} == {"night"}
    assert {each.scene.style for each in made("neon")} == {"neon"}
    assert {each.scene.style for each in made("sketch")} == {"sketch"}
    assert all(each.scene.weather != "clear" for each in made("weather"))
    assert all(len(each.scene.things) >= 4 for each in made("crowded"))
    sizes = Counter(len(each.scene.things) for each in made("relations"))
    assert set(sizes) == {2, 3, 4}


def test_look_alikes_have_one_colour_and_kinds_of_one_group() -> None:
    for each in made("look-alikes"):
        first, second, *_ = each.scene.things
        assert first.colour == second.colour
        assert any({first.kind, second.kind} <= set(group) for group in LOOK_ALIKES)


def test_look_alikes_overlap_more_than_other_kinds() -> None:
    shapes = {kind: silhouette(kind) for kind in KINDS}
    groups = [set(group) for group in LOOK_ALIKES]
    inside, outside = [], []
    for at, one in enumerate(KINDS):
        for other in KINDS[at + 1 :]:
            same = any({one, other} <= group for group in groups)
            (inside if same else outside).append(overlap(shapes[one], shapes[other]))
    assert np.mean(inside) > np.mean(outside) + 0.1


def silhouette(kind: str) -> NDArray[np.float64]:
    """Share of four images in which a pixel belongs to the thing, float64 [64, 64]."""
    thing = Scene(things=(Thing(kind, "black", "big", 1, "middle"),))
    shown = world.render_array([thing] * 4, range(4)).astype(int)
    return (np.abs(shown - world.render_array([Scene()], [0]).astype(int)).sum(axis=3) > 60).mean(axis=0)


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Intersection over union."""
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())


def test_all_relations_of_a_chain_can_hold() -> None:
    for each in made("relations"):
        places = layout(each.scene)
        relations = each.scene.relations
        assert len(relations) == len(each.scene.things) - 1
        for subject, name, anchor in relations:
            assert anchor == subject - 1
            assert holds(name, places[subject], places[anchor])


def test_unknown_category() -> None:
    with pytest.raises(WorldError, match="no category 'whales'.*take one of any, rare colours"):
        candidate("whales", 0)
