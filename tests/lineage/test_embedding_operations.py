"""Text differences, components and the ablation of the prior; single edits of scenes."""

import pytest

from telephone import world
from telephone.core.errors import UsageError
from telephone.lineage import ablate, components, textdiff
from telephone.lineage.context import LineageContext
from telephone.lineage.result import Verdict
from telephone.lineage.scene_edits import ATTRIBUTES, outcome, single_edits
from telephone.world import Scene, Thing, atoms


@pytest.fixture
def context():
    with LineageContext() as made:
        yield made


def test_an_edit_changes_one_fact_and_nothing_else():
    scenes = [world.sample(level, seed, split="test") for level in ("easy", "medium", "hard") for seed in range(40)]
    edits = single_edits(scenes)
    assert len(edits) > 110
    assert {edit.attribute for edit in edits} == set(ATTRIBUTES)
    for edit in edits:
        before, after = set(atoms(edit.before)), set(atoms(edit.after))
        assert {(atom.thing, atom.attribute) for atom in after - before} == {(edit.thing, edit.attribute)}
        assert all((atom.thing, atom.attribute) == (edit.thing, edit.attribute) for atom in before - after)
    assert single_edits(scenes) == edits


def test_outcomes():
    before = Scene("beach", things=(Thing("apple", "red"), Thing("boat", "blue")))
    (edit,) = [each for seed in range(60) for each in single_edits([before], seed) if each.attribute == "colour"][:1]
    perfect, nothing = outcome(edit, edit.after), outcome(edit, edit.before)
    assert (perfect.reached, perfect.rest, perfect.invented, perfect.clean) == (True, 1.0, 0, True)
    assert (nothing.reached, nothing.rest, nothing.clean) == (False, 1.0, False)
    assert not outcome(edit, Scene("beach")).clean


@pytest.mark.slow
def test_text_differences_are_measured(context):
    found = textdiff.run(context, textdiff.TextdiffOptions(n=8, steps=6, scale=("1",)))
    assert found.measures[0].n == 8
    assert [strip.cells[1].title for strip in found.strips] == ["scale 1"] * 4


@pytest.mark.slow
def test_a_picture_of_ones_own_needs_words(context, tmp_path):
    (picture,) = context.pictures(context.scenes("easy", 1))
    picture.save(tmp_path / "own.png")
    with pytest.raises(UsageError, match="--prompt"):
        textdiff.run(context, textdiff.TextdiffOptions(picture=tmp_path / "own.png"))
    options = textdiff.TextdiffOptions(tmp_path / "own.png", prompt="a beach at night", scale=("0", "1"), steps=4)
    found = textdiff.run(context, options)
    assert found.verdict is Verdict.UNDECIDED
    assert len(found.strips[0].cells) == 3


@pytest.mark.slow
def test_more_components_keep_more_facts(context):
    found = components.run(context, components.ComponentsOptions(n=8, steps=4, components=("256", "0", "64")))
    by_name = {each.name: each.value for each in found.measures}
    assert by_name["facts kept, 256 components"] > by_name["facts kept, 0 components"]
    assert [row["components"] for row in found.tables["What appears with how many components"]] == [0, 64, 256]


@pytest.mark.slow
def test_the_prior_helps(context):
    found = ablate.run(context, ablate.AblateOptions(n=8, steps=4))
    by_name = {each.name: each.value for each in found.measures}
    assert found.verdict in (Verdict.HOLDS, Verdict.UNDECIDED)
    nothing = by_name["facts kept, no embedding, without caption"]
    assert by_name["facts kept, diffusion prior, with caption"] > nothing
    assert by_name["facts kept, diffusion prior, without caption"] > nothing


@pytest.mark.parametrize(
    ("operation", "options"),
    [
        (textdiff, textdiff.TextdiffOptions(method="magic")),
        (textdiff, textdiff.TextdiffOptions(method="rotated", scale=("2",))),
        (components, components.ComponentsOptions(components=("300",))),
        (components, components.ComponentsOptions(components=("-1",))),
        (components, components.ComponentsOptions(components=())),
        (ablate, ablate.AblateOptions(level="simple")),
    ],
)
def test_options_out_of_range(context, operation, options):
    with pytest.raises(UsageError):
        operation.run(context, options)
