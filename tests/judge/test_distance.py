"""Distances worked out by hand, and that each distinct text is embedded once."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from judge_runs import ColourEmbedder
from numpy.typing import NDArray

from telephone.core.errors import ModelError
from telephone.judge import Case, DistanceScorer, cosine_distance
from telephone.judge.vectors import CHUNK
from telephone.store import Score


def case(prompt: str | None, text: str) -> Case:
    return Case(f"hash of {text}", f"hash of {prompt}", text, prompt)


def judged(embedder: ColourEmbedder, cases: Sequence[Case]) -> list[Score]:
    scorer = DistanceScorer(embedder)
    scorer.prepare(cases)
    return [score for chunk in scorer.chunks(cases) for score in scorer.score(chunk)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 0], [1, 0], 0.0),
        ([1, 0], [0, 3], 1.0),
        ([1, 0], [-2, 0], 2.0),
        ([1, 0], [1, 1], 1 - math.sqrt(0.5)),
        ([0, 0], [1, 0], None),
        ([math.nan, 0], [1, 0], None),
        ([math.inf, 0], [1, 0], None),
    ],
)
def test_distance(one: list[float], other: list[float], expected: float | None) -> None:
    found = cosine_distance(np.array(one, dtype=float), np.array(other, dtype=float))
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


@given(arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)), arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)))
def test_distance_is_symmetric_and_in_range(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    found = cosine_distance(one, other)
    assert found == cosine_distance(other, one)
    assert found is None or 0.0 <= found <= 2.0


def test_scores_by_hand() -> None:
    embedder = ColourEmbedder()
    cases = [case("red", "red red"), case("red", "red green"), case("red", "blue"), case("blue", "blue")]
    found = judged(embedder, cases)
    assert [score.value for score in found] == pytest.approx([0.0, 1 - math.sqrt(0.5), 1.0, 0.0])
    assert [(score.subject, score.reference) for score in found][1] == ("hash of red green", "hash of red")
    assert {score.kind for score in found} == {"distance"}


def test_each_text_is_embedded_once() -> None:
    embedder = ColourEmbedder()
    texts = [f"red {number} blue" for number in range(CHUNK + 40)]
    cases = [case(prompt, text) for prompt in ("red", "blue") for text in (*texts, "red")]
    assert len(judged(embedder, cases)) == len(cases)
    assert sorted(embedder.given) == sorted([*texts, "red", "blue"])


def test_a_text_without_a_direction_is_unscored() -> None:
    (score,) = judged(ColourEmbedder(), [case("red", "a grey wall")])
    assert score.value is None
    assert "without a direction" in score.unscored


def test_a_picture_without_words_is_unscored() -> None:
    embedder = ColourEmbedder()
    (score,) = judged(embedder, [case(None, "red")])
    assert score.value is None
    assert "image" in score.unscored
    assert embedder.given == []


def test_what_was_cut_is_told() -> None:
    long, short = judged(ColourEmbedder(), [case("red", "red " * 45), case("red", "red " * 11)])
    assert long.detail == {"tokens_cut": 5}
    assert short.detail is None


class Short(ColourEmbedder):
    """Loses a row."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return super().embed_texts(texts)[1:]


def test_a_missing_row_is_told() -> None:
    with pytest.raises(ModelError, match=r"colours returned an array of shape \(0, 3\) for 1 texts"):
        judged(Short(), [case("red", "blue")])
