"""Paired comparisons: the sign-flip test and the Holm adjustment, by hand and by simulation."""

import numpy as np
import pytest
from analysis_frames import frame, levels

from telephone.analysis import game_scores, pairwise_differences
from telephone.analysis.inference.pairwise import holm_adjust, sign_flip_test
from telephone.core.errors import UsageError

BASE = {"a": 0.2, "b": 0.3, "c": 0.3}


LEVELS = {"e1": "easy", "e2": "easy", "h1": "hard"}


GAMES = game_scores(frame(lambda d, w, p, turn: BASE[d] + (0.1 if w == "w2" else 0.0), LEVELS, t2i=list("abc")))


def test_sign_flips_by_hand() -> None:
    # Of the 8 ways to sign 1, 2 and 3, only all plus and all minus give a sum as far from 0 as 6.
    assert sign_flip_test(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 8)
    # With 1, 2 and -3 the sum is 0, and every sum is as far from 0.
    assert sign_flip_test(np.array([1.0, 2.0, -3.0])) == 1.0
    assert sign_flip_test(np.array([0.5] * 10)) == pytest.approx(2 / 1024)
    assert np.isnan(sign_flip_test(np.array([])))


def test_many_prompts_take_a_sample_of_the_signs() -> None:
    assert sign_flip_test(np.full(40, 0.1)) == pytest.approx(1e-4)
    values = np.random.default_rng(0).normal(size=60)
    values -= values.mean()
    assert sign_flip_test(values) > 0.99


def test_the_test_errs_in_5_of_100_cases() -> None:
    draws = np.random.default_rng(3).normal(size=(400, 11))
    assert np.mean([sign_flip_test(row) < 0.05 for row in draws]) == pytest.approx(0.05, abs=0.03)


def test_holm_by_hand() -> None:
    found = holm_adjust(np.array([0.01, 0.04, np.nan, 0.03, 0.9]))
    assert found[[0, 1, 3, 4]] == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert np.isnan(found[2])


def test_differences() -> None:
    found = pairwise_differences(GAMES, "t2i")
    assert found["level"].tolist() == ["easy"] * 3 + ["hard"] * 3 + ["all"] * 3
    first, second, third = found[found["level"] == "all"].to_dict("records")
    assert (first["one"], first["other"], first["n"], first["better"]) == ("a", "b", 3, 1.0)
    assert first["difference"] == pytest.approx(-0.1)
    assert first["p"] == pytest.approx(0.25)
    assert first["p_holm"] == pytest.approx(0.75)
    assert not first["significant"]  # three prompts cannot tell anything
    assert second["other"] == "c"
    assert (third["one"], third["other"], third["better"], third["p"]) == ("b", "c", 0.5, 1.0)
    pairs = pairwise_differences(GAMES, "pair")
    assert pairs["one"].iloc[0] == "a + w1"
    assert len(pairs) == 3 * 15
    assert len(pairwise_differences(GAMES.iloc[:0], "t2i")) == 0
    with pytest.raises(UsageError, match="no measure"):
        pairwise_differences(GAMES, "t2i", "beauty")


def test_more_facts_are_better() -> None:
    found = pairwise_differences(GAMES, "t2i", "recall")
    assert found["difference"].iloc[0] == pytest.approx(0.05)
    assert found["better"].iloc[0] == 1.0


def test_many_prompts_tell() -> None:
    chance = np.random.default_rng(0).normal(0, 0.02, size=(40, 3))
    prompts = list(levels(40))
    games = game_scores(
        frame(lambda d, w, p, _: BASE[d] + chance[prompts.index(p), "abc".index(d)], levels(40), t2i=list("abc"))
    )
    found = pairwise_differences(games, "t2i")
    last = found[found["level"] == "all"]
    assert last["significant"].tolist() == [True, True, False]
    assert last["p_holm"].iloc[0] == pytest.approx(3e-4)
