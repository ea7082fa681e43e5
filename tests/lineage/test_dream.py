"""VQGAN-CLIP by optimisation as an operation: the claim on held-out captions, a story, first images, bad input."""

import io

import numpy as np
import pytest
from PIL import Image

from telephone import world
from telephone.core.errors import ModelError, UsageError
from telephone.core.images import encode_png
from telephone.lineage.context import LineageContext
from telephone.lineage.dream import OPERATION, DreamOptions, film_of, judge_images, run, story_frames
from telephone.lineage.result import Verdict

QUICK = {"steps": 2, "views": 1, "frames": 2}


@pytest.fixture
def context():
    with LineageContext() as made:
        yield made


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "first.png"
    world.render(world.parse("a red apple on a beach"), size=90).convert("LA").save(path)
    return path


def test_the_claim_is_measured_by_judges_that_take_no_part(context):
    result = run(context, DreamOptions(n=2, **QUICK))
    assert result.verdict is Verdict.UNDECIDED
    assert "fewer than 8 are too few" in result.reason
    assert len(result.strips) == 2
    assert [cell.title for cell in result.strips[0].cells[:3]] == ["step 0", "step 1", "step 2"]
    ways = {row["image"]: row for row in result.tables["Ways to draw"]}
    assert ways["true picture"]["facts, reader"] == 1
    assert ways["true picture"]["CLIP score"] > 0.3
    assert ways["random codes"]["facts, reader"] < ways["trained feed-forward net"]["facts, reader"]
    curve = result.tables["CLIP score by step"]
    assert [row["step"] for row in curve] == [0, 1, 2]
    assert curve[0]["CLIP score"] < curve[-1]["CLIP score"]
    assert OPERATION.run is run


def test_judges_say_of_true_pictures_what_is_true(context):
    scenes = context.scenes("easy", 4)
    judged = judge_images(context, scenes, context.pictures(scenes))
    assert np.mean(judged.facts) > 0.95
    assert np.mean(judged.blip) > 0.7
    other = judge_images(context, scenes, context.pictures(scenes[1:] + scenes[:1]))
    assert np.mean(other.facts) < np.mean(judged.facts)
    assert np.mean(other.score) < np.mean(judged.score)


def test_a_story_goes_on_from_the_last_image(context):
    options = DreamOptions(prompt="a red apple", story=("a blue boat", "snow"), **QUICK)
    film = story_frames(context, ["a red apple", "a blue boat", "snow"], options)
    assert [len(images) for images in film] == [3, 3, 3]
    for before, after in zip(film, film[1:], strict=False):
        apart = np.abs(np.asarray(before[-1], np.int16) - np.asarray(after[0], np.int16)).mean()
        assert apart < 20  # it is encoded and decoded again
    result = run(context, options)
    assert result.verdict is Verdict.UNDECIDED
    assert len(result.strips) == 4
    assert len(result.strips[-1].cells) == 7
    assert result.strips[1].truth == world.parse("a blue boat")
    frames, times = film_of(film)
    assert len(frames) == len(times) == 7
    with Image.open(io.BytesIO(result.files["film.webp"])) as webp:  # equal frames become one
        assert 3 <= webp.n_frames <= 7
    assert [each.name for each in result.measures][:1] == ["CLIP score for 'a red apple'"]


def test_a_first_image_and_an_image_prompt_of_any_mode(context, picture):
    plain = run(context, DreamOptions(prompt="a boat", picture=picture, **QUICK)).strips[0].cells
    truth = world.render(world.parse("a red apple on a beach")).convert("L").convert("RGB")
    assert np.abs(np.asarray(plain[0].image, np.int16) - np.asarray(truth, np.int16)).mean() < 25
    towards = run(context, DreamOptions(like=picture, **QUICK))
    assert towards.strips[0].title == "towards the image"
    assert towards.measures == ()
    both = run(context, DreamOptions(prompt="a boat", picture=picture, like=picture, **QUICK)).strips[0].cells
    assert encode_png(both[-1].image) != encode_png(plain[-1].image)


def test_weighted_parts_are_read_and_those_with_a_negative_weight_are_not_wanted(context):
    result = run(context, DreamOptions(prompt="a red apple | a beach:0.5 | snow:-0.3", **QUICK))
    assert result.strips[0].truth == world.parse("a red apple, a beach")
    assert result.measures[0].name == "CLIP score for 'a red apple'"


def test_another_seed_gives_another_image(context):
    made = [
        encode_png(run(context, DreamOptions(prompt="a boat", seed=seed, **QUICK)).strips[0].cells[-1].image)
        for seed in (0, 1, 0)
    ]
    assert made[0] == made[2] != made[1]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"start": "noise"}, UsageError, "start is 'noise'"),
        ({"n": 0}, UsageError, "n is 0"),
        ({"steps": 2, "frames": 3}, UsageError, "3 frames need at least as many steps"),
        ({"prompt": "a | "}, ModelError, "Prompt 2 is empty"),
        ({"prompt": "a:0"}, ModelError, "weight 0"),
        ({"story": (" ",), "prompt": " "}, UsageError, "nothing to draw"),
    ],
)
def test_bad_options_are_refused_with_advice(context, options, error, says):
    with pytest.raises(error, match=says):
        run(context, DreamOptions(**({**QUICK, "frames": 1} | options)))


def test_a_file_that_is_no_picture_is_refused(context, tmp_path):
    path = tmp_path / "words.png"
    with pytest.raises(UsageError, match="cannot be read"):
        run(context, DreamOptions(picture=path, prompt="a boat", **QUICK))
    path.write_text("words")
    with pytest.raises(UsageError, match="cannot be used as a picture"):
        run(context, DreamOptions(picture=path, prompt="a boat", **QUICK))
    with pytest.raises(UsageError, match="nothing to draw"):
        run(context, DreamOptions(picture=path, **QUICK))
