"""Decay rates are found where there is a decay, and refused with a reason where the data cannot tell."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit

from telephone.analysis.tables.drift_rates import drift_rates, fit_decay

GENERATIONS = np.arange(2.0, 21.0, 2.0)


def _table(similarities: np.ndarray) -> pd.DataFrame:
    """Returns the drift table of [prompts, generations] of similarities of one pair."""
    rows = [
        {"embedder": "e", "t2i_model": "d", "i2t_model": "w", "mapping": "text-text", "prompt_id": f"p{prompt}",
         "level": "easy", "generation": generation, "to_start": 1 - value}
        for prompt, own in enumerate(similarities) for generation, value in zip(GENERATIONS, own, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _decay(generations: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    return a * np.exp(-b * generations) + c


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.8])
def test_a_known_rate_is_found_as_scipy_finds_it(rate: float) -> None:
    generator = np.random.default_rng(1)
    values = _decay(GENERATIONS, 0.5, rate, 0.4) + generator.normal(0, 0.005, (20, 10))
    row = drift_rates(_table(values)).iloc[0]
    (_, expected, floor), _ = curve_fit(_decay, GENERATIONS, values.mean(axis=0), p0=(1, 0.1, 0), maxfev=5000)
    assert row["rate"] == pytest.approx(expected, rel=0.03)
    assert row["floor"] == pytest.approx(floor, abs=0.01)
    assert row["low"] <= rate * 1.03 and row["high"] >= rate * 0.97
    assert row["half_life"] == pytest.approx(np.log(2) / row["rate"])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((5, 10), 0.8), "does not change"),
        (np.linspace(0.3, 0.9, 10)[None].repeat(5, axis=0), "does not decrease"),
        (np.linspace(0.9, 0.3, 10)[None].repeat(5, axis=0), "not identified"),
        (_decay(GENERATIONS, 0.5, 0.2, 0.4)[None].repeat(2, axis=0), "needs 3 prompts"),
    ],
)  # fmt: skip
def test_no_rate_without_a_reason(values: np.ndarray, reason: str) -> None:
    row = drift_rates(_table(values)).iloc[0]
    assert np.isnan(row["rate"])
    assert reason in row["reason"]


def test_noise_around_a_constant_has_no_rate() -> None:
    """500 pairs without any decay: a rate is reported for few of them."""
    generator = np.random.default_rng(2)
    found = [drift_rates(_table(0.6 + generator.normal(0, 0.03, (6, 10))))["reason"].iloc[0] for _ in range(500)]
    assert np.mean([reason == "" for reason in found]) < 0.05


def test_intervals_cover_the_true_rate() -> None:
    generator = np.random.default_rng(3)
    covered = reported = 0
    for _ in range(200):
        own = _decay(GENERATIONS, 0.5, 0.25, 0.4) + generator.normal(0, 0.05, (20, 1))
        row = drift_rates(_table(own + generator.normal(0, 0.03, (20, 10)))).iloc[0]
        reported += row["reason"] == ""
        covered += row["low"] <= 0.25 <= row["high"]
    assert reported > 150
    assert covered / reported > 0.9


def test_a_fit_of_an_exact_curve_explains_everything() -> None:
    fit = fit_decay(_decay(GENERATIONS, 0.5, 0.2, 0.3)[None], GENERATIONS)
    assert fit.r2[0] == pytest.approx(1, abs=1e-3)
    assert fit.identified[0]
