"""Pairwise differences of models: by hand, and in agreement with rank intervals and with the first model."""

import numpy as np
import pandas as pd
import pytest
from analysis_frames import frame, levels

from telephone.analysis import game_scores, indistinguishable_from_best, leaderboard, pairwise_differences
from telephone.analysis.tables.prompt_scores import KEYS, Side
from telephone.core.errors import UsageError

BASE = {"a": 0.2, "b": 0.3, "c": 0.3}


LEVELS = {"e1": "easy", "e2": "easy", "h1": "hard"}


GAMES = game_scores(frame(lambda d, w, p, turn: BASE[d] + (0.1 if w == "w2" else 0.0), LEVELS, t2i=list("abc")))


def test_differences() -> None:
    found = pairwise_differences(GAMES, "t2i")
    assert found["level"].tolist() == ["easy"] * 3 + ["hard"] * 3 + ["all"] * 3
    first, second, third = found[found["level"] == "all"].to_dict("records")
    assert (first["one"], first["other"], first["n"], first["better"]) == ("a", "b", 3, 1.0)
    assert first["difference"] == pytest.approx(-0.1)
    assert first["p"] == pytest.approx(0.25)
    # `a` is the first of three models, so its p-value is not adjusted for the other two; one of the two questions with
    # a p-value below 1 is tested at a third of the error rate, as is every question here: none can be answered.
    assert first["p_holm"] == pytest.approx(0.5)
    assert np.isnan([first["low_adjusted"], first["high_adjusted"]]).all()
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
    # The smallest p-value, at the error rate of the first question of those that can be asked.
    assert last["p_holm"].iloc[0] <= 3e-4
    assert last["low_adjusted"].iloc[0] < last["low"].iloc[0] < last["high"].iloc[0] < last["high_adjusted"].iloc[0] < 0


def simulated(seed: int, prompts: int = 14, gap: float = 0.03) -> pd.DataFrame:
    """Games of three and two models that differ in small steps, so that some differences are significant."""
    chance = np.random.default_rng(seed).exponential(0.05, size=(prompts, 3, 2))
    names = list(levels(prompts))
    return game_scores(
        frame(
            lambda d, w, p, _: gap * "abc".index(d) + float(chance[names.index(p), "abc".index(d), int(w[1]) - 1]),
            levels(prompts),
            t2i=list("abc"),
        )
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("side", ["t2i", "i2t", "pair"])
def test_interval_verdict_and_rank_agree(seed: int, side: Side) -> None:
    games = simulated(seed)
    found = pairwise_differences(games, side)
    excludes = (found["low_adjusted"] > 0) | (found["high_adjusted"] < 0)
    assert (excludes == found["significant"]).all()
    assert (found["significant"] == (found["p_holm"] <= 0.05)).all()
    board = leaderboard(games, side).table
    for row in board.assign(name=board[list(KEYS[side])].agg(" + ".join, axis=1)).to_dict("records"):
        own = found[(found["level"] == row["level"]) & found["significant"]]
        wins = ((own["one"] == row["name"]) & (own["difference"] < 0)).sum()
        wins += ((own["other"] == row["name"]) & (own["difference"] > 0)).sum()
        losses = ((own["one"] == row["name"]) | (own["other"] == row["name"])).sum() - wins
        models = (board["level"] == row["level"]).sum()
        assert (row["rank_low"], row["rank_high"]) == (1 + losses, models - wins)
    first = board[board["level"] == "all"].iloc[0]
    alone = len(indistinguishable_from_best(games, side)) == 1
    assert alone == (first["rank_high"] == 1)
