import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone.core.errors import WorldError
from telephone.core.images import content_hash
from telephone.world.layout import cell_of, layout
from telephone.world.renderer import placements, render, render_array
from telephone.world.scene import (
    COLOURS,
    COUNTS,
    KINDS,
    PLACES,
    SETTINGS,
    SIZES,
    STYLES,
    TIMES,
    WEATHERS,
    Scene,
    Thing,
)

CAT = Scene(things=(Thing("cat", "orange", place="middle"),))
CROWDED = Scene(
    "park",
    "sunset",
    "rain",
    "pastel",
    tuple(Thing(kind, "blue", "big", 4, place) for kind, place in zip(KINDS, PLACES, strict=False)),
)


def pixels(scene: Scene, size: int = 64, seed: int = 0) -> np.ndarray:
    return np.asarray(render(scene, size, seed))


def difference(one: Scene, other: Scene) -> int:
    """How many pixels differ by more than 24 levels in some channel."""
    gap = np.abs(pixels(one).astype(int) - pixels(other).astype(int)).max(2)
    return int((gap > 24).sum())


def pairs(values: tuple) -> Iterator[tuple]:
    return ((a, b) for i, a in enumerate(values) for b in values[i + 1 :])


@pytest.mark.parametrize("size", [16, 48, 64, 100, 128, 256])
def test_a_picture_has_the_size_and_mode_asked_for(size):
    picture = render(CROWDED, size)
    assert picture.size == (size, size)
    assert picture.mode == "RGB"
    assert not picture.info


def test_equal_arguments_give_equal_pixels_and_callers_cannot_spoil_the_memory():
    first = render(CROWDED, 64, 7)
    before = first.tobytes()
    first.paste((0, 0, 0), (0, 0, 64, 64))
    assert render(CROWDED, 64, 7).tobytes() == before


def test_another_process_draws_the_same_bytes():
    code = (
        "import hashlib; from telephone.world.renderer import render; from telephone.world.scene import Scene, Thing;"
        "scene = Scene('city', 'night', 'snow', 'sketch', (Thing('dog', 'red', 'big'), Thing('kite', count=3)));"
        "print(hashlib.sha256(render(scene, 64, 5).tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    scene = Scene("city", "night", "snow", "sketch", (Thing("dog", "red", "big"), Thing("kite", count=3)))
    render(CROWDED)
    assert content_hash(render(scene, 64, 5).tobytes()) == there


def test_a_large_picture_shows_the_same_as_a_small_one():
    large = np.asarray(render(CAT, 256).reduce(4)).astype(int)
    assert np.abs(large - pixels(CAT).astype(int)).mean() < 6


def test_a_size_without_room_is_refused():
    with pytest.raises(WorldError, match="at least 16"):
        render(CAT, 8)


def test_many_scenes_make_one_array():
    scenes = [CAT, CROWDED, Scene("space")]
    array = render_array(scenes, [1, 2, 3], 32)
    assert array.shape == (3, 32, 32, 3)
    assert array.dtype == np.uint8
    assert (array[1] == pixels(CROWDED, 32, 2)).all()
    with pytest.raises(ValueError):
        render_array(scenes, [1])


def test_the_seed_moves_things_a_little_only():
    drawn = {render(CAT, 64, seed).tobytes() for seed in range(40)}
    assert 10 < len(drawn) <= 18  # nine shifts, two sides
    spots = [placements(CAT, 64, seed)[0] for seed in range(40)]
    assert max(p.left for p in spots) - min(p.left for p in spots) == 2
    assert max(p.top for p in spots) - min(p.top for p in spots) == 2


@pytest.mark.parametrize("style", STYLES)
def test_any_two_settings_differ(style):
    for one, other in pairs((None, *SETTINGS)):
        assert difference(Scene(one, style=style), Scene(other, style=style)) > 400, (one, other)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("setting", [None, *(name for name in SETTINGS if name != "space")])
def test_any_two_times_and_weathers_differ(setting, style):
    for weather in WEATHERS:
        for one, other in pairs(TIMES):
            gap = difference(Scene(setting, one, weather, style), Scene(setting, other, weather, style))
            assert gap > 250, (one, other, weather)
    for time in TIMES:
        for one, other in pairs(WEATHERS):
            gap = difference(Scene(setting, time, one, style), Scene(setting, time, other, style))
            assert gap > 50, (one, other, time)


@pytest.mark.parametrize("setting", [None, *SETTINGS])
def test_any_two_styles_differ(setting):
    times = TIMES if setting != "space" else ("day",)
    weathers = WEATHERS if setting != "space" else ("clear",)
    for one, other in pairs(STYLES):
        for time in times:
            for weather in weathers:
                gap = difference(Scene(setting, time, weather, one), Scene(setting, time, weather, other))
                assert gap > 200, (one, other, time, weather)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [1, 4])
def test_any_two_kinds_differ_even_when_small(style, count):
    scenes = [Scene("park", style=style, things=(Thing(kind, "red", "small", count, "left"),)) for kind in KINDS]
    for one, other in pairs(tuple(scenes)):
        assert difference(one, other) >= 12, (one, other)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", KINDS)
def test_any_two_colours_differ(kind, style):
    for one, other in pairs((None, *COLOURS)):
        first = Scene(style=style, things=(Thing(kind, one, "small", place="left"),))
        second = Scene(style=style, things=(Thing(kind, other, "small", place="left"),))
        assert difference(first, second) >= 12, (one, other)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", KINDS)
def test_size_count_and_place_are_visible(kind, style):
    thing = Thing(kind, "green", place="middle")
    for name, values in (("size", SIZES), ("count", COUNTS), ("place", PLACES)):
        for one, other in pairs(values):
            first = Scene("beach", style=style, things=(replace(thing, **{name: one}),))
            second = Scene("beach", style=style, things=(replace(thing, **{name: other}),))
            assert difference(first, second) >= 12, (name, one, other)


@pytest.mark.parametrize("setting", [None, "snowfield", "forest", "city", "room"])
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("style", STYLES)
def test_every_colour_is_seen_in_every_place(setting, time, style):
    empty = Scene(setting, time, "fog", style)
    for colour in (None, *COLOURS):
        for place in ("left", "top"):
            assert difference(empty, replace(empty, things=(Thing("fish", colour, "small", place=place),))) >= 25


def test_sizes_can_be_told_by_measuring():
    for kind in KINDS:
        for count in (1, 3):
            areas = []
            for size in ("small", "medium", "big"):
                spot = placements(Scene(things=(Thing(kind, size=size, count=count),)))[0]
                areas.append(spot.width * spot.height)
            factor = 1.6 if count == 1 else 1.15
            assert areas[1] >= areas[0] * factor and areas[2] >= areas[1] * factor, (kind, areas)


def test_only_things_that_look_aside_are_mirrored():
    for kind in KINDS:
        flips = {placements(Scene(things=(Thing(kind),)), 64, seed)[0].flipped for seed in range(30)}
        assert flips == ({True, False} if kind in ("dog", "fish", "car") else flips)
        if kind in ("heart", "house", "star", "tree"):
            assert flips == {False}


_things = st.builds(
    Thing, st.sampled_from(KINDS), st.sampled_from((None, *COLOURS)), st.sampled_from(SIZES), st.sampled_from(COUNTS)
)


@given(
    st.lists(_things, max_size=6, unique_by=lambda t: (t.kind, t.colour)), st.integers(0, 2**40), st.integers(32, 512)
)
@settings(max_examples=150, deadline=None)
def test_everything_stays_inside_its_picture_and_near_its_cell(things, seed, size):
    scene = Scene(things=tuple(things))
    placed = placements(scene, size, seed)
    assert len(placed) == sum(thing.count for thing in things)
    for item in placed:
        assert item.left >= 0 and item.left + item.width <= size
        assert item.top >= 0 and item.top + item.height <= size
        column, row = cell_of(layout(scene)[item.thing])
        assert int((item.left + item.width / 2) * 3 / size) == column
        assert int((item.top + item.height / 2) * 2 / size) == row
        assert item.grounded == (row == 1)


@given(_things, st.integers(0, 99), st.sampled_from([64, 128, 200]))
@settings(max_examples=100, deadline=None)
def test_the_things_of_a_group_do_not_touch(thing, seed, size):
    placed = placements(Scene(things=(thing,)), size, seed)
    for one, other in pairs(placed):
        apart_x = one.left + one.width < other.left or other.left + other.width < one.left
        apart_y = one.top + one.height < other.top or other.top + other.height < one.top
        assert apart_x or apart_y


@pytest.mark.parametrize("style", STYLES)
def test_a_thing_is_painted_within_its_box_but_for_halo_and_shadow(style):
    for kind in KINDS:
        scene = Scene(style=style, things=(Thing(kind, "red", "big", place="top"),))
        spot = placements(scene)[0]
        changed = (pixels(scene) != pixels(replace(scene, things=()))).any(2)
        rows, columns = np.nonzero(changed)
        margin = 3 if style == "neon" else 2
        assert rows.min() >= spot.top - margin and rows.max() < spot.top + spot.height + margin
        assert columns.min() >= spot.left - margin and columns.max() < spot.left + spot.width + margin
        inside = changed[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width]
        assert inside.any(1).mean() > 0.9 and inside.any(0).mean() > 0.9, kind
