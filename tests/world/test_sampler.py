"""Scenes are of the level that was asked for, keep to their split, are true to their own words, and vary."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.core.errors import WorldError
from telephone.core.records import LEVELS, Level
from telephone.world import Scene, Split, atoms, held_out, level_of, sample, sample_any
from telephone.world.layout import cell_of, holds, layout
from telephone.world.sampler import ATOMS
from telephone.world.scene import (
    COLOURS,
    COUNTS,
    KINDS,
    PLACES,
    RELATIONS,
    SETTINGS,
    SIZES,
    SKY_KINDS,
    STYLES,
    TIMES,
    WEATHERS,
)

SPLITS: tuple[Split | None, ...] = (None, "train", "test")


@given(level=st.sampled_from(LEVELS), split=st.sampled_from(SPLITS), seed=st.integers())
def test_the_level_is_exact_and_the_seed_decides(level: Level, split: Split | None, seed: int) -> None:
    scene = sample(level, seed, split)
    assert level_of(scene) == level
    assert len(atoms(scene)) in ATOMS[level]
    assert scene == sample(level, seed, split)


@given(level=st.sampled_from(LEVELS), seed=st.integers(0))
def test_held_out_pairs_are_in_every_test_scene_and_in_no_train_scene(level: Level, seed: int) -> None:
    for scene in (sample(level, seed, "train"), sample_any(seed, "train")):
        assert not any(held_out(thing.kind, thing.colour) for thing in scene.things)
    for scene in (sample(level, seed, "test"), sample_any(seed, "test", 1)):
        assert any(held_out(thing.kind, thing.colour) for thing in scene.things)


@given(level=st.sampled_from(LEVELS), seed=st.integers(0))
def test_relations_hold_where_the_things_stand(level: Level, seed: int) -> None:
    scene = sample(level, seed)
    places = layout(scene)
    assert all(holds(name, places[subject], places[anchor]) for subject, name, anchor in scene.relations)


def _many(level: Level) -> list[Scene]:
    return [sample(level, seed) for seed in range(1500)]


def test_everything_occurs() -> None:
    scenes = _many("hard")
    around = {"setting": (None, *SETTINGS), "time": TIMES, "weather": WEATHERS, "style": STYLES}
    for attribute, values in around.items():
        assert {getattr(scene, attribute) for scene in scenes} == set(values)
    things = [thing for scene in scenes for thing in scene.things]
    details: dict[str, tuple[object, ...]] = {
        "kind": KINDS, "colour": (None, *COLOURS), "size": SIZES, "count": COUNTS, "place": (None, *PLACES),
    }  # fmt: skip
    for name, wanted in details.items():
        assert {getattr(thing, name) for thing in things} == set(wanted)
    assert {relation.name for scene in scenes for relation in scene.relations} == set(RELATIONS)
    assert len(set(scenes)) == len(scenes)


def test_scenes_are_natural() -> None:
    scenes = _many("medium") + _many("hard")
    assert 0.15 < sum(bool(scene.relations) for scene in scenes) / len(scenes) < 0.35
    things = [thing for scene in scenes for thing in scene.things]
    assert sum(thing.colour is None for thing in things) / len(things) < 0.05
    placed = [thing for thing in things if thing.place]
    assert len(placed) > 0.25 * len(things)
    high = [thing for thing in placed if thing.kind in SKY_KINDS]
    assert sum(cell_of(thing.place or "")[1] == 0 for thing in high) > 0.7 * len(high)


def test_sample_any_mixes_the_levels() -> None:
    levels = Counter(level_of(sample_any(seed)) for seed in range(2000))
    for level, share in (("easy", 0.35), ("medium", 0.35), ("hard", 0.22), ("impossible", 0.08)):
        assert abs(levels[level] / 2000 - share) < 0.04  # type: ignore[index]
    for most in (1, 2, 4):
        sizes = {len(sample_any(seed, max_things=most).things) for seed in range(300)}
        assert sizes == set(range(1, most + 1))


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(WorldError, match="level"):
        sample("absurd", 1)  # type: ignore[arg-type]
    with pytest.raises(WorldError, match="split"):
        sample("easy", 1, "dev")  # type: ignore[arg-type]
    with pytest.raises(WorldError, match="max_things"):
        sample_any(1, max_things=7)
