"""The split of the variance, where it is known; and where nothing can be said."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from analysis_frames import broken, frame, levels
from numpy.typing import NDArray

from telephone.analysis import game_scores, variance_shares
from telephone.analysis.inference.score_tensor import EFFECT_NAMES, mean_squares
from telephone.analysis.inference.side_shares import shapley_shares, variance_parts
from telephone.analysis.inference.variance_shares import SHAPLEY_SOURCES, SOURCES


def effects(t: float = 0.0, c: float = 0.0, p: float = 0.0, tc: float = 0.0) -> NDArray[np.float64]:
    """Scores [3, 4, 6] of effects that sum to 0, so that their parts are known."""
    one = np.array([-1.0, 0.0, 1.0])[:, None, None]
    other = np.array([-3.0, -1.0, 1.0, 3.0])[None, :, None]
    prompt = np.array([-5.0, -3.0, -1.0, 1.0, 3.0, 5.0])[None, None, :]
    return np.asarray(t * one + c * other + p * prompt + tc * one * other + np.zeros((3, 4, 6)))


def split(scores: NDArray[np.float64]) -> dict[str, float]:
    """The parts of the variance of a table [t, c, p] or [t, c, p, r]."""
    cube = scores if scores.ndim == 4 else scores[..., None]
    return dict(zip(EFFECT_NAMES, variance_parts(mean_squares(cube))[0].tolist(), strict=True))


@pytest.mark.parametrize("source", ["drawing", "describing", "prompt", "drawing x describing"])
def test_one_effect_explains_all(source: str) -> None:
    name = {"drawing": "t", "describing": "c", "prompt": "p", "drawing x describing": "tc"}[source]
    found = split(effects(**{name: 1.0}))
    assert found[source] > 0
    assert [value for key, value in found.items() if key != source] == pytest.approx([0.0] * 7, abs=1e-9)


def test_parts_by_hand() -> None:
    # Sums of squares divided by one less than the number: drawing 2 / 2, describing (9 + 1 + 1 + 9) / 3, prompts
    # 70 / 5. The pair's is the product of the first two.
    found = split(effects(t=1, c=1, p=1, tc=1))
    assert found["drawing"] == pytest.approx(1.0)
    assert found["describing"] == pytest.approx(20 / 3)
    assert found["prompt"] == pytest.approx(14.0)
    assert found["drawing x describing"] == pytest.approx(20 / 3)


def test_shapley_by_hand() -> None:
    # Own parts 6, 4, 2; drawing x describing 4, drawing x prompt 2, describing x prompt 8; all three 3; chance 1.
    found = shapley_shares(np.array([[6.0, 4.0, 2.0, 4.0, 2.0, 8.0, 3.0, 1.0]]))
    assert found[0] == pytest.approx([6 + 2 + 1 + 1, 4 + 2 + 4 + 1, 2 + 1 + 4 + 1, 1])
    assert found.sum() == 30


def test_parts_are_right_on_average() -> None:
    generator = np.random.default_rng(0)
    size = (3, 4, 8, 2)
    truth = {"drawing x prompt": 0.04, "describing x prompt": 0.09, "chance": 0.25}
    sums = dict.fromkeys(EFFECT_NAMES, 0.0)
    for _ in range(1500):
        tp = generator.normal(0, 0.2, (3, 1, 8, 1))
        cp = generator.normal(0, 0.3, (1, 4, 8, 1))
        scores = tp - tp.mean(0) + cp - cp.mean(1) + generator.normal(0, 0.5, size)
        sums = {name: sums[name] + value / 1500 for name, value in split(scores).items()}
    assert sums == pytest.approx(dict.fromkeys(EFFECT_NAMES, 0.0) | truth, abs=0.006)


def noisy(drawing: float, describing: float, prompts: int = 9) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    d = {"d1": -drawing, "d2": 0.0, "d3": drawing}
    w = {"w1": -describing, "w2": describing}
    chance = {(a, b, p): generator.normal(0, 0.03) for a in d for b in w for p in levels(prompts)}
    return game_scores(
        frame(lambda a, b, p, _: 0.8 + d[a] + w[b] + chance[a, b, p], levels(prompts), t2i=list(d), i2t=list(w))
    )


def test_drawing_matters() -> None:
    found = variance_shares(noisy(0.2, 0.02))
    assert found.significant
    assert found.answer.startswith("Drawing matters more: the text-to-image model explains 9")
    assert found.shapley["source"].tolist() == list(SHAPLEY_SOURCES)
    assert found.shapley["share"].sum() == pytest.approx(1.0)
    assert found.decomposition["share"].sum() == pytest.approx(1.0)
    assert "3 drawing and 2 describing models on 9 prompts" in found.answer
    assert found.shares["source"].tolist() == list(SOURCES)
    assert found.shares["share"].sum() == pytest.approx(1.0)
    assert (found.shares["low"] <= found.shares["share"]).all()
    assert (found.shares["high"] >= found.shares["share"]).all()
    assert found.low is not None
    assert found.low > 0


def test_describing_matters() -> None:
    assert variance_shares(noisy(0.02, 0.2)).answer.startswith("Describing matters more")


def test_it_cannot_be_told() -> None:
    found = variance_shares(noisy(0.03, 0.025))
    assert not found.significant
    assert found.answer.startswith("The sides are not distinguishable")
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high


def _sum_of_parts(
    models: dict[str, float], own: dict[tuple[str, str], float], one: str, other: str, prompt: str, turn: int
) -> float:
    return 0.8 + models[one] + models[other] + own[one, prompt] + own[other, prompt]


def test_the_interval_of_the_difference_holds() -> None:
    generator = np.random.default_rng(8)
    d, w = {"d1": -0.1, "d2": 0.1}, {"w1": -0.05, "w2": 0.05}
    held = 0
    for _ in range(60):
        own = {(name, p): generator.normal(0, 0.06) for name in (*d, *w) for p in levels(12)}
        scores = partial(_sum_of_parts, {**d, **w}, own)
        found = variance_shares(game_scores(frame(scores, levels(12), turns=1)))
        # Variances: drawing 0.02, describing 0.005, each model's own view of a prompt 0.0036, and the mean view of the
        # two models of a side 0.0018, which belongs to the prompt; no chance, and no interaction of the two sides.
        truth = (0.02 - 0.005) / (0.02 + 0.005 + 2 * 0.0036 + 2 * 0.0018)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 51


@pytest.mark.parametrize(("t2i", "i2t"), [(["d1"], ["w1", "w2"]), (["d1", "d2"], ["w1"])])
def test_too_few_models(t2i: list[str], i2t: list[str]) -> None:
    found = variance_shares(game_scores(frame(lambda *_: 0.5, levels(9), t2i=t2i, i2t=i2t)))
    assert not found.significant
    assert "too few" in found.answer
    assert len(found.shares) == 0


def test_too_few_prompts_and_those_left_out() -> None:
    table = frame(lambda a, b, p, turn: len(a + b + p) * 0.1, levels(4))
    found = variance_shares(game_scores(broken(table, "p00 d1 w1 0", 0)))
    assert found.answer == "3 prompts on which every pair has a score are too few: play 4 or more."
    assert (found.prompts, found.left_out) == (3, 1)


def test_nothing_to_explain() -> None:
    assert "All games have the same score" in variance_shares(game_scores(frame(lambda *_: 0.5, levels(5)))).answer
    nothing = variance_shares(game_scores(frame(lambda *_: float("nan"), levels(5))))
    assert nothing.answer.startswith("0 prompts")
