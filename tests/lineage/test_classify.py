"""Zero-shot classification: sentences, ways to join them against brute force, tiny real CLIPs, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.lineage.classify import WAYS, ClassifyOptions, run
from telephone.lineage.context import LineageContext
from telephone.lineage.labelled import one_thing_scenes
from telephone.lineage.result import Verdict
from telephone.lineage.zero_shot import (
    best_scores,
    centred_scores,
    class_sentences,
    distinct,
    fill,
    margins,
    mean_scores,
    right_ones,
    unit,
)

TWO = ("A {}.", "a {colour} {}")


def unit_rows(*shape, seed=0):
    return unit(np.random.default_rng(seed).standard_normal(shape))


def test_a_template_is_filled_with_the_class_and_every_colour():
    assert fill("A {}.", "apple") == ["An apple."]
    assert fill("there is a {}", "boat") == ["there is a boat"]
    coloured = fill("A {colour} {}.", "apple")
    assert len(coloured) == 10
    assert coloured[:2] == ["A red apple.", "An orange apple."]


@pytest.mark.parametrize("template", ["a picture", "a {kind}", "{} {size}", ""])
def test_templates_that_cannot_be_used(template):
    with pytest.raises(UsageError, match="cannot be used"):
        fill(template, "apple")


def test_classes_given_twice_are_one():
    assert distinct(["apple", " Apple ", "red  boat", "apple"], "classes") == ("apple", "red boat")
    with pytest.raises(UsageError, match="No classes"):
        distinct(["", "  "], "classes")


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3))
def test_scores_are_those_of_a_loop(n, classes, sentences):
    images, vectors, centre = unit_rows(n, 6), unit_rows(classes, sentences, 6, seed=1), unit_rows(6, seed=2) * 0.3
    mean, best = mean_scores(images, vectors), best_scores(images, vectors)
    centred = centred_scores(images, vectors, centre)
    middle = sum(vectors[c, s] for c in range(classes) for s in range(sentences)) / (classes * sentences)
    for i in range(n):
        for c in range(classes):
            joined = sum(vectors[c]) / np.linalg.norm(sum(vectors[c]))
            assert mean[i, c] == pytest.approx(images[i] @ joined)
            assert best[i, c] == pytest.approx(max(images[i] @ vector for vector in vectors[c]))
            moved = images[i] - centre
            apart = [vector - middle for vector in vectors[c]]
            cosines = [moved @ v / max(np.linalg.norm(moved) * np.linalg.norm(v), 1e-300) for v in apart]
            if classes * sentences > 1:
                assert centred[i, c] == pytest.approx(max(cosines))


def test_margins_and_right_ones():
    scores = np.array([[0.1, 0.5, 0.4], [0.9, 0.2, 0.2]])
    assert margins(scores) == pytest.approx([0.1, 0.7])
    assert np.isnan(margins(scores[:, :1])).all()
    assert right_ones(scores, ["Apple", "boat", "car"], ["boat", "car"]).tolist() == [1.0, 0.0]


def test_scenes_have_one_painted_thing_and_kinds_take_turns():
    for held in (True, False):
        scenes = one_thing_scenes(64, held)
        assert {world.held_out(scene.things[0].kind, scene.things[0].colour) for scene in scenes} == {held}
        assert len({scene.things[0].kind for scene in scenes}) == 32
        assert scenes[:5] == one_thing_scenes(5, held)
        assert scenes[:5] != one_thing_scenes(5, held, seed=1)
    with pytest.raises(UsageError, match="n is 0"):
        one_thing_scenes(0, True)


def test_accuracy_with_the_shipped_clip_is_far_above_chance():
    options = ClassifyOptions(
        n=16, classes=("apple", "boat", "Boat", "cat", "car"), templates=("A {}.", "a {colour} {}")
    )
    result = run(LineageContext(), options)
    by_name = {each.name: each for each in result.measures}
    assert by_name[f"accuracy, {WAYS[0]}, trained pairs"].value > 0.7
    assert "4 classes" in result.notes[0]
    rows = {row["sentences"]: row for row in result.tables["Accuracy by template"]}
    assert {*WAYS, "A {}.", "a {colour} {}"} == rows.keys()
    assert [len(strip.cells) for strip in result.strips] == [8, 8]
    again = run(LineageContext(), options)
    assert again.measures == result.measures


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_a_picture_of_ones_own_of_any_size_and_mode(tmp_path, mode):
    world.render(world.parse("a red apple on a beach"), size=90).convert(mode).resize((31, 77)).save(tmp_path / "a.png")
    result = run(LineageContext(), ClassifyOptions(picture=tmp_path / "a.png", classes=("apple", "apple")))
    assert result.verdict is Verdict.UNDECIDED
    assert [row["class"] for row in result.tables["Classes of the picture"]] == ["apple"]
    assert result.measures[0].value is None


def test_a_clip_of_real_weights_by_address(tmp_path):
    import tiny_embedders

    tiny_embedders.clip(tmp_path / "clip")
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.png")
    ref = f"transformers/{tmp_path / 'clip'}"
    options = ClassifyOptions(tmp_path / "a.png", ("a cat", "a dog"), ("{}", "a photo of {}"), model=ref)
    result = run(LineageContext(), options)
    assert {row["class"] for row in result.tables["Classes of the picture"]} == {"a cat", "a dog"}
    assert all(-1 <= row[WAYS[0]] <= 1 for row in result.tables["Classes of the picture"])


def test_bad_input_is_told(tmp_path):
    context = LineageContext()
    for options, message in (
        (ClassifyOptions(classes=()), "No classes"),
        (ClassifyOptions(templates=()), "No template"),
        (ClassifyOptions(templates=("a thing",)), "cannot be used"),
        (ClassifyOptions(classes=("sunset over water",), templates=("a {}",)), "knows no word|kind of the world"),
        (ClassifyOptions(classes=("qqq zzz",), templates=("a {}",)), "knows no word"),
        (ClassifyOptions(n=0), "n is 0"),
        (ClassifyOptions(picture=tmp_path / "none.png"), "cannot be read"),
        (ClassifyOptions(model="pocket/blip"), "pocket/blip"),
    ):
        with pytest.raises(UsageError, match=message):
            run(context, options)


def test_sentences_belong_to_their_templates():
    found = class_sentences(LineageContext(), "pocket/clip", ("apple", "boat"), ("A {}.", "a {colour} {}", "A {}."))
    assert found.templates == ("A {}.", "a {colour} {}")
    assert found.vectors.shape[:2] == (2, 11)
    assert found.template.tolist() == [0] + [1] * 10
    assert np.linalg.norm(found.vectors, axis=2) == pytest.approx(np.ones((2, 11)), abs=1e-3)
