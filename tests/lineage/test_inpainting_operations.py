"""Inpainting and editing step by step with the shipped editor: what is added, what stays, and inputs of one's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.lineage import edit, inpaint
from telephone.lineage.context import LineageContext
from telephone.lineage.new_things import add_thing, cell_mask, is_there, outside_is_equal, placed
from telephone.lineage.result import Verdict
from telephone.world.layout import layout
from telephone.world.scene import PLACES

MODEL = "pocket/glide?steps=4"


@pytest.fixture
def context():
    with LineageContext() as made:
        yield made


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_a_thing_is_added_where_nothing_is_and_nothing_else_changes(level):
    found = 0
    for number in range(60):
        scene = world.sample(level, number, split="test")
        added = add_thing(scene, number)
        if added is None:
            continue
        found += 1
        assert placed(scene) == added.before
        assert added.after.things[:-1] == added.before.things
        assert added.new.place not in layout(scene)
        assert layout(added.after)[-1] == added.new.place
        assert not is_there(added.new, added.before)
        assert is_there(added.new, added.after)
        assert add_thing(scene, number) == added
    assert found > 40


def test_the_cells_of_a_picture_cover_it_once():
    total = sum(np.asarray(cell_mask(place)).astype(int) for place in PLACES)
    assert (total == 255).all()


def test_the_new_thing_is_inside_of_its_mask():
    for number in range(20):
        added = add_thing(world.sample("easy", number, split="test"), number)
        before, after = (world.render(scene, size=64, seed=4) for scene in (added.before, added.after))
        changed = (np.asarray(before) != np.asarray(after)).any(-1)
        assert changed.any()
        inside = np.asarray(added.mask) > 0
        assert changed[inside].sum() > 0.8 * changed.sum()


@pytest.mark.slow
def test_a_new_thing_is_inpainted_and_the_rest_stays(context):
    found = inpaint.run(context, inpaint.InpaintOptions(n=8, model=MODEL))
    named = {each.name: each.value for each in found.measures}
    assert named["new things that are there in their colour"] > 0.5
    assert named["old facts kept"] > 0.9
    assert named["pictures equal outside of the mask"] == 1
    assert [cell.title for cell in found.strips[0].cells] == ["picture", "mask", "inpainted"]


@pytest.mark.slow
def test_a_picture_and_a_mask_of_ones_own(context, tmp_path):
    picture, mask = Image.effect_noise((90, 60), 60), Image.new("L", (90, 60))
    mask.paste(255, (50, 10, 90, 60))
    picture.save(tmp_path / "own.png")
    mask.save(tmp_path / "mask.png")
    options = inpaint.InpaintOptions(tmp_path / "own.png", tmp_path / "mask.png", "a red apple", model=MODEL)
    found = inpaint.run(context, options)
    assert found.verdict is Verdict.UNDECIDED
    before, _, after = (cell.image for cell in found.strips[0].cells)
    assert outside_is_equal(before, after, mask)
    Image.new("L", (9, 9)).save(tmp_path / "small.png")
    with pytest.raises(UsageError, match="9 x 9"):
        inpaint.run(context, inpaint.InpaintOptions(tmp_path / "own.png", tmp_path / "small.png", "a red apple"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (inpaint.InpaintOptions(prompt="a cat"), "--picture"),
        (inpaint.InpaintOptions(n=0), "n is 0"),
        (inpaint.InpaintOptions(level="none"), "no level"),
    ],
)
def test_inputs_that_do_not_fit_together(context, options, message):
    with pytest.raises(UsageError, match=message):
        inpaint.run(context, options)


def test_a_picture_of_ones_own_needs_mask_and_words(context, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "own.png")
    with pytest.raises(UsageError, match="--mask and --prompt"):
        inpaint.run(context, inpaint.InpaintOptions(tmp_path / "own.png"))
    with pytest.raises(UsageError, match="--edits"):
        edit.run(context, edit.EditOptions(tmp_path / "own.png"))


def test_the_seam_is_the_step_across_the_edge():
    mask = Image.new("L", (4, 4))
    mask.paste(255, (2, 0, 4, 4))
    picture = Image.new("RGB", (4, 4))
    picture.paste((30, 30, 30), (2, 0, 4, 4))
    assert inpaint.seam(picture, mask) == 30
    assert np.isnan(inpaint.seam(picture, Image.new("L", (4, 4))))


@pytest.mark.slow
def test_things_are_added_one_after_the_other(context):
    found = edit.run(context, edit.EditOptions(n=8, steps=2, model=MODEL))
    rows = found.tables["Facts by step"]
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert rows[2]["facts of the first picture"] > 0.9
    assert len(found.strips[0].cells) == 3


@pytest.mark.slow
def test_a_list_of_edits_of_a_picture_of_ones_own(context, tmp_path):
    Image.effect_noise((90, 60), 60).save(tmp_path / "own.png")
    edits = ("0,0,0.5,1: a red apple", "0.5,0.5,1,1: a red apple and a blue boat")
    found = edit.run(context, edit.EditOptions(tmp_path / "own.png", edits, model=MODEL))
    assert [cell.image.size for cell in found.strips[0].cells] == [(90, 60)] * 5


@pytest.mark.parametrize(
    "text", ["", "a cat", "0,0,1: cat", "0,0,1,1:", "0.5,0,0.5,1: cat", "0,0,2,1: cat", "a,b,c,d: x"]
)
def test_what_is_no_edit(text):
    with pytest.raises(UsageError, match="is no edit"):
        edit.parse_edit(text)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(1, 90), st.integers(1, 90))
def test_every_box_has_a_pixel(values, width, height):
    left, right = sorted(values[:2])
    top, bottom = sorted(values[2:])
    if left < right and top < bottom:
        mask = edit.parse_edit(f"{left},{top},{right},{bottom}: a cat").mask((width, height))
        assert mask.size == (width, height)
        assert np.asarray(mask).any()


@pytest.mark.parametrize("steps", [0, 6])
def test_steps_out_of_range(context, steps):
    with pytest.raises(UsageError, match="1 to 5"):
        edit.run(context, edit.EditOptions(steps=steps))
