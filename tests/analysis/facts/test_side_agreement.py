"""Models that fail on the same facts agree, independent ones do not, and one prompt is no evidence."""

import numpy as np
import pandas as pd
import pytest

from telephone.analysis.facts.side_agreement import side_agreement


def _tracked(drawn: np.ndarray, described: np.ndarray) -> pd.DataFrame:
    """Returns the events of [prompts, facts, calls]: True is kept."""
    rows = [
        {"prompt_id": f"p{prompt}", "level": "easy", "kind": kind, "player": player, "atom": atom, "turn": call + 1,
         "event": "kept" if kept else "lost"}
        for kind, player, table in (("image", "d", drawn), ("text", "w", described))
        for (prompt, atom, call), kept in np.ndenumerate(table)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _calls(chance: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(*chance.shape, 12)) < chance[..., None]


def test_shared_weaknesses_are_seen_and_independent_ones_are_not() -> None:
    chance = np.random.default_rng(0).choice([0.1, 0.9], size=(12, 6))
    other = np.random.default_rng(9).choice([0.1, 0.9], size=(12, 6))
    alike = side_agreement(_tracked(_calls(chance, 1), _calls(chance, 2))).iloc[0]
    assert 0.8 < alike["low"] <= alike["correlation"] <= alike["high"] <= 1
    assert alike["only_t2i"] + alike["only_i2t"] < 0.05
    apart = side_agreement(_tracked(_calls(chance, 1), _calls(other, 2))).iloc[0]
    assert apart["low"] < 0 < apart["high"]
    assert alike[["both", "only_t2i", "only_i2t", "neither"]].sum() == pytest.approx(1)
    assert (alike["facts"], alike["prompts"]) == (72, 12)


def test_constant_rates_and_single_prompts_have_no_interval() -> None:
    whole = np.ones((5, 6, 4), dtype=bool)
    assert np.isnan(side_agreement(_tracked(whole, whole)).iloc[0]["correlation"])
    varied = whole.copy()
    varied[0, :3] = False  # all lost facts lie in one prompt
    found = side_agreement(_tracked(varied, varied)).iloc[0]
    assert found["correlation"] == pytest.approx(1)
    assert np.isnan(found["low"])


def test_independent_models_are_called_alike_in_few_battles() -> None:
    """300 pairs without any relation: the interval excludes 0 in about 5 of 100."""
    generator = np.random.default_rng(4)
    wrong = 0
    for seed in range(300):
        chances = generator.beta(2, 2, size=(2, 10, 6))
        found = side_agreement(_tracked(_calls(chances[0], 2 * seed), _calls(chances[1], 2 * seed + 1))).iloc[0]
        wrong += not found["low"] <= 0 <= found["high"]
    assert wrong / 300 <= 0.08
