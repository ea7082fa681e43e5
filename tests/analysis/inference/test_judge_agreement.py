"""Rank correlations by hand, and between judges."""

import numpy as np
import pandas as pd
import pytest

from telephone.analysis.inference.judge_agreement import fact_correlation, kendall, rank_agreement, spearman


def test_rank_correlations_by_hand() -> None:
    one, other = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])
    assert kendall(one, other) == pytest.approx(4 / 6)
    assert spearman(one, other) == pytest.approx(1 - 6 * 2 / (4 * 15))
    # One tie among the second: tau-b divides by the root of 6 * 5.
    assert kendall(one, np.array([1.0, 2, 2, 3])) == pytest.approx(5 / np.sqrt(30))
    assert np.isnan(kendall(one, np.ones(4)))


def test_judges_compared() -> None:
    generator = np.random.default_rng(0)
    rows = []
    for prompt in range(12):
        for at, player in enumerate("abcd"):
            truth = 1 - 0.2 * at + 0.02 * generator.standard_normal()
            values = {"facts of texts": truth, "good": 3 * truth, "bad": -truth}
            for judge, value in values.items():
                head = {"game": f"{prompt} {player}", "prompt_id": f"p{prompt}", "level": ("easy", "hard")[prompt % 2]}
                names = {"t2i_model": player, "i2t_model": "w", "generation": 2, "turn": 1}
                rows.append(head | names | {"judge": judge, "value": value})
    table = pd.DataFrame(rows)
    alike = rank_agreement(table)
    drawers = alike[alike["side"] == "t2i"].set_index(["one", "other"])["kendall"]
    assert drawers["facts of texts", "good"] == 1
    assert drawers["bad", "good"] == -1
    assert alike.loc[alike["side"] == "i2t", "kendall"].isna().all()
    check = fact_correlation(table).set_index(["judge", "level"])
    assert check.loc[("good", "all"), "spearman"] == pytest.approx(1)
    assert check.loc[("bad", "easy"), "spearman"] == pytest.approx(-1)
    assert check.loc[("good", "all"), "n"] == 48
