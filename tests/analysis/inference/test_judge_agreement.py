"""Rank correlations by hand, and between judges."""

import numpy as np
import pandas as pd
import pytest

from telephone.analysis.inference.judge_agreement import (
    chance_agreement,
    fact_correlation,
    kendall,
    rank_agreement,
    spearman,
)


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
    assert check.loc[("good", "all"), "low"] <= check.loc[("good", "all"), "spearman"]


def _table(facts: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    """Returns the table of judges of [prompts, texts] of facts and of values by an embedder."""
    rows = [
        {"game": f"{prompt} {at}", "prompt_id": f"p{prompt}", "level": "easy", "t2i_model": f"d{at % 3}",
         "i2t_model": "w", "generation": 2, "turn": 1, "judge": judge, "value": table[prompt, at]}
        for prompt in range(len(facts)) for at in range(facts.shape[1])
        for judge, table in (("facts of texts", facts), ("embedder", values))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_correlation_that_depends_on_one_prompt_has_no_interval() -> None:
    generator = np.random.default_rng(3)
    facts = np.ones((6, 12))
    facts[0] = generator.uniform(0, 1, 12)  # all lost facts lie in one prompt
    found = fact_correlation(_table(facts, facts + generator.normal(0, 0.1, facts.shape))).iloc[-1]
    assert found["spearman"] == found["spearman"]
    assert np.isnan([found["low"], found["high"], found["within_low"], found["within_high"]]).all()
    assert found["within_prompts"] == 1


def test_difficulty_raises_the_pooled_correlation_and_not_the_one_within_prompts() -> None:
    generator = np.random.default_rng(4)
    difficulty = np.linspace(0, 1, 20)[:, None]
    facts = difficulty + generator.normal(0, 0.05, (20, 12))
    values = difficulty + generator.normal(0, 0.05, (20, 12))  # tells prompts apart, and models not at all
    found = fact_correlation(_table(facts, values)).iloc[-1]
    assert found["spearman"] > 0.9
    assert found["within_low"] < 0 < found["within_high"]


@pytest.mark.parametrize("seed", range(5))
def test_an_interval_of_a_correlation_contains_its_estimate(seed: int) -> None:
    generator = np.random.default_rng(seed)
    facts = np.minimum(1.0, generator.uniform(0.5, 1.5, (4, 12)))
    found = fact_correlation(_table(facts, facts + generator.normal(0, 0.5, facts.shape))).iloc[-1]
    assert -1 <= found["low"] <= found["spearman"] <= found["high"] <= 1


def test_agreement_of_few_models_by_chance() -> None:
    one = np.array([1.0, 2, 3])
    assert chance_agreement(one, one, 1.0) == pytest.approx(1 / 6)
    assert chance_agreement(one, -one, -1.0) == 1
    assert chance_agreement(np.arange(9.0), np.arange(9.0), 1.0) < 1e-4
    assert np.isnan(chance_agreement(one, np.ones(3), float("nan")))
