"""Scoring a run on disk: only what is missing, kept beside the run, resumed after an interruption."""

from pathlib import Path

import numpy as np
import pytest
from judge_runs import ColourEmbedder, played
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import encode_png
from telephone.core.records import Prompt
from telephone.judge import score, text_cases
from telephone.judge.cases import prompt_words

PROMPTS = (
    Prompt("A small red apple and a blue dog, on a beach.", "medium", "apple"),
    Prompt("Three green houses behind a wooden fence.", "hard", "fence"),
)


def test_scores_and_frame(tmp_path: Path) -> None:
    embedder = ColourEmbedder()
    with played(tmp_path / "run", PROMPTS) as run:
        by_colour, by_fact = score(run, embedder=embedder)
        frame = run.frame()
    distinct = frame.drop_duplicates(["text_sha256", "prompt_sha256"])
    assert by_colour.cases == by_colour.new == by_fact.new == len(distinct)
    assert by_colour.judge == "distance by colours"
    assert by_fact.unscored == (distinct["prompt_id"] == "fence").sum()
    assert sorted(embedder.given) == sorted({*frame["text_after"], *frame["prompt"]})
    kept = frame[frame["text_after"] == frame["prompt"]]
    assert len(kept) > 0
    assert (kept["text_after_dist"] == 0).all()
    apple = frame[frame["prompt_id"] == "apple"]
    assert (apple["facts_kept"] + apple["facts_wrong"] + apple["facts_missing"] == 6).all()
    assert np.allclose(apple["facts_recall"], apple["facts_kept"] / 6)
    assert frame.loc[frame["prompt_id"] == "fence", "facts_recall"].isna().all()


def test_a_second_time_nothing_is_done(tmp_path: Path) -> None:
    with played(tmp_path / "run", PROMPTS) as run:
        first = score(run, embedder=ColourEmbedder())
        again = ColourEmbedder()
        again.name = "the same under another name"
        second = score(run, embedder=again)
        assert again.given == []
        assert [each.new for each in second] == [0, 0]
        assert [each.unscored for each in second] == [each.unscored for each in first]
        assert len(run.scorers()) == 2


def test_an_interrupted_scoring_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephone.judge.distance.CHUNK", 2)
    with played(tmp_path / "run", PROMPTS) as run:
        every = len(text_cases(run.frame()))
        told: list[tuple[int, int]] = []

        def interrupt(_: str, done: int, total: int) -> None:
            told.append((done, total))
            if done >= 4:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            score(run, embedder=ColourEmbedder(), facts=False, progress=interrupt)
        assert told[0] == (0, every)
        done = told[-1][0]
        assert 4 <= done < every
        (rest,) = score(run, embedder=ColourEmbedder(), facts=False)
        assert rest.new == every - done
        (judge,) = run.scorers()
        assert len(run.scores(judge)) == every


def test_failed_turns_have_no_score(tmp_path: Path) -> None:
    with played(tmp_path / "run", PROMPTS, describers=("fake/captioner?fail=1",)) as run:
        assert [each.cases for each in score(run, embedder=ColourEmbedder())] == [0, 0]
        assert run.frame()["text_after_dist"].isna().all()


def test_picture_prompts(tmp_path: Path) -> None:
    red = encode_png(Image.new("RGB", (8, 8), "red"))
    blue = encode_png(Image.new("RGB", (8, 8), "blue"))
    prompts = [Prompt("A red apple.", id="told", image=red), Prompt("blue.png", id="named", image=blue)]
    with played(tmp_path / "run", prompts) as run:
        score(run, embedder=None)
        frame = run.frame()
    assert frame.loc[frame["prompt_id"] == "told", "facts_recall"].notna().all()
    assert frame.loc[frame["prompt_id"] == "named", "facts_recall"].isna().all()


@pytest.mark.parametrize(
    ("prompt", "first", "expected"),
    [
        ("blue.png", "image", None),
        ("", "image", None),
        ("A cat.", "image", "A cat."),
        ("blue.png", "text", "blue.png"),
    ],
)
def test_words(prompt: str, first: str, expected: str | None) -> None:
    assert prompt_words(prompt, first) == expected


def test_an_embedder_of_the_registry(tmp_path: Path) -> None:
    with played(tmp_path / "run", PROMPTS, turns=1) as run:
        found = score(run, embedder="fake/embedder", facts=False)
        assert found[0].judge == "distance by fake/embedder"
        with pytest.raises(UsageError, match="fake/painter"):
            score(run, embedder="fake/painter")
