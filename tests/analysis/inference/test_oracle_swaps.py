"""Losses by intervention with lossless models, checked by hand."""

import numpy as np
import pandas as pd
import pytest
from analysis_frames import frame, levels

from telephone.analysis import game_scores
from telephone.analysis.inference.oracle_swaps import oracle_swaps, shapley_losses, swap_gain

LOSS = {"d": 0.3, "renderer": 0.0, "w": 0.1, "reader": 0.0}


def swapped(noise: float = 0.0, together: float = 0.0) -> pd.DataFrame:
    """A line of a real drawer and a real describer; a share of 0.3 and of 0.1 is lost, and more where both play."""
    generator = np.random.default_rng(2)

    def distance(t2i: str, i2t: str, prompt: str, turn: int) -> float:
        both = together if (t2i, i2t) == ("d", "w") else 0.0
        return 2 * (LOSS[t2i] + LOSS[i2t] + both + generator.normal(0, noise))

    table = frame(distance, levels(12), t2i=["d", "renderer"], i2t=["w", "reader"], turns=1)
    real = (table["t2i_model"] == "d") & (table["i2t_model"] == "w")
    return table.assign(control=np.where(real, "", "oracle"))


def test_shapley_of_two_by_hand() -> None:
    # Real 0.5, perfect reader 0.3, perfect renderer 0.1, both 0.0: 0.1 is lost only together.
    assert shapley_losses(np.array([0.5, 0.3, 0.1, 0.0])) == pytest.approx([0.35, 0.15, 0.1])


def test_swaps() -> None:
    found = oracle_swaps(game_scores(swapped(together=0.1)))
    (row,) = found.table[found.table["level"] == "all"].to_dict("records")
    assert [row[name] for name in ("loss_real", "loss_drawn", "loss_described", "loss_oracle")] == pytest.approx(
        [0.5, 0.3, 0.1, 0.0]
    )
    assert [row[name] for name in ("drawing", "describing", "together")] == pytest.approx([0.35, 0.15, 0.1])
    noisy = oracle_swaps(game_scores(swapped(noise=0.02)))
    assert noisy.significant
    assert noisy.answer.startswith("Drawing loses more: with a lossless partner drawing loses 0.3")
    overall = noisy.overall[noisy.overall["level"] == "all"].set_index("source")
    assert overall.loc["difference", "low"] < 0.2 < overall.loc["difference", "high"]


def test_no_swaps() -> None:
    found = oracle_swaps(game_scores(frame(lambda *_: 0.5, levels(4))))
    assert not found.significant
    assert "add --controls" in found.note
    assert len(found.table) == 0
    unscored = oracle_swaps(game_scores(swapped().assign(facts_recall=np.nan)))
    assert "no score" in unscored.note


def test_gain() -> None:
    values = {"a": 0.2, "b": 0.5, "c": 0.4}
    games = game_scores(frame(lambda d, w, p, _: values[d] + (0.01 if p == "p00" else 0.0), levels(6), t2i=list("abc")))
    gain = swap_gain(games, "t2i")
    assert gain is not None
    assert (gain.best, gain.worst, gain.n) == ("a", "b", 6)
    assert gain.gain == pytest.approx(0.3)
    assert swap_gain(games[games["t2i_model"] == "a"], "t2i") is None
