"""CLIPDraw as an operation: what judges see, a prompt of the user's with SVG and film, bad input."""

from xml.etree import ElementTree

import pytest

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.lineage.context import LineageContext
from telephone.lineage.result import Verdict
from telephone.lineage.sketch import OPERATION, SketchOptions, judge_drawings, one_thing_scenes, run
from telephone.world.scene import KINDS

QUICK = {"steps": 2, "views": 1, "frames": 2, "shapes": 3}


@pytest.fixture(scope="module")
def context():
    with LineageContext() as made:
        yield made


def test_prompts_are_each_kind_once_in_its_held_out_colour():
    scenes = one_thing_scenes(33)
    assert {scene.things[0].kind for scene in scenes[:32]} == set(KINDS)
    assert all(world.held_out(scene.things[0].kind, scene.things[0].colour) for scene in scenes)
    assert scenes[:5] == one_thing_scenes(5)
    assert (scenes[32].setting is None) is False
    trained = one_thing_scenes(32, trained=True)
    assert not any(world.held_out(scene.things[0].kind, scene.things[0].colour) for scene in trained)


def test_judges_name_the_kinds_of_true_pictures_and_not_of_others(context):
    scenes = one_thing_scenes(6)
    images = context.pictures(scenes)
    right = judge_drawings(context, scenes, images)
    assert sum(right.either) == 6
    assert sum(right.reader) == 6
    assert max(right.chance) < 0.5
    swapped = judge_drawings(context, scenes, images[1:] + images[:1])
    assert sum(swapped.either) <= 1
    assert sum(swapped.score) < sum(right.score)
    assert judge_drawings(context, scenes[:1], images[:1]).chance == []


def test_the_claim_is_measured_by_judges_that_take_no_part(context):
    result = run(context, SketchOptions(n=2, steps=12, views=2, frames=2, shapes=3, goal="text"))
    assert result.verdict is Verdict.UNDECIDED
    assert "fewer than 8 are too few" in result.reason
    assert "by chance" in result.reason
    seen = {row["image"]: row for row in result.tables["What is seen"]}
    assert seen["true pictures"]["share named by either"] == 1
    assert seen["after the last step"]["CLIP score"] > seen["first shapes"]["CLIP score"]
    assert [cell.title for cell in result.strips[0].cells] == ["step 0", "step 6", "step 12"]
    assert len(ElementTree.fromstring(result.files["drawing.svg"])) == 4
    assert OPERATION.run is run


def test_a_prompt_of_the_users_becomes_a_strip_a_film_and_svg(context):
    result = run(context, SketchOptions(prompt="a red apple | a dog:-0.3", form="strokes", **QUICK))
    assert result.verdict is Verdict.UNDECIDED
    assert result.measures[0].name == "CLIP score for 'a red apple'"
    assert result.strips[0].truth == world.parse("a red apple")
    assert result.files["drawing.svg"].count(b"stroke-width") == 3
    assert result.files["film.webp"][:4] == b"RIFF"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"form": "dots"}, "form is 'dots'"),
        ({"goal": "sound"}, "goal is 'sound'"),
        ({"steps": 2, "frames": 3}, "3 frames need"),
    ],
)
def test_options_that_cannot_be_used(context, options, message):
    with pytest.raises(UsageError, match=message):
        run(context, SketchOptions(**options))


def test_a_prompt_that_cannot_be_read(context):
    with pytest.raises(ModelError, match="is empty"):
        run(context, SketchOptions(prompt="a cat | ", **QUICK))
