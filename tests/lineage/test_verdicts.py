import math
import sys
from pathlib import Path

import numpy as np
import pytest

from telephone.lineage.result import Verdict
from telephone.lineage.verdicts import (
    Threshold,
    impossible,
    in_words,
    judge_difference,
    judge_mean,
    judge_share,
    mean_estimate,
    share_estimate,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from lineage_verdict_errors import differences, errors, errors_of_counts, facts, means


def test_a_share_holds_fails_or_is_not_decided():
    right = [1.0] * 23 + [0.0]
    assert judge_share("kind right", right, Threshold(0.7)).verdict is Verdict.HOLDS
    assert judge_share("kind right", right, Threshold(0.9)).verdict is Verdict.UNDECIDED
    assert judge_share("kind right", right, Threshold(0.7, at_least=False)).verdict is Verdict.FAILS
    found = judge_share("kind right", [1 - each for each in right], Threshold(0.5), "prompts")
    assert found.verdict is Verdict.FAILS
    assert found.reason.replace("\u00a0", " ") == (
        "Kind right: 4 % on 24 prompts (95 % interval 0.1 to 21 %); the claim needs at least 50 %."
    )


def test_the_interval_of_counts_is_exact_and_no_point_at_the_ends():
    found = share_estimate("right", [True] * 10)
    assert (found.value, found.high, found.n, found.unit) == (1.0, 1.0, 10, "share")
    assert found.low == pytest.approx(0.025 ** (1 / 10))


def test_few_items_are_no_verdict_and_missing_ones_are_told():
    found = judge_share("right", [1.0] * 7, Threshold(0.1))
    assert found.verdict is Verdict.UNDECIDED
    assert found.estimate.low is None
    assert "fewer than 8 are too few" in found.reason
    some = share_estimate("right", [1.0] * 9 + [math.nan])
    assert (some.n, some.note) == (9, "1 of 10 could not be measured")
    none = judge_mean("PSNR", [math.nan], Threshold(35.0), unit="dB")
    assert none.verdict is Verdict.UNDECIDED
    assert none.estimate.value is None
    assert none.reason == "PSNR: nothing could be measured."


def test_differences_are_judged_item_by_item():
    base = np.linspace(0, 1, 12)
    assert judge_difference("facts kept", base + 0.1, base).verdict is Verdict.HOLDS
    worse = judge_difference("facts kept", base, base + 0.1)
    assert worse.verdict is Verdict.FAILS
    assert worse.reason.endswith("; the claim needs more than 0.")
    equal = judge_difference("facts kept", base, base)
    assert (equal.verdict, equal.estimate.value) == (Verdict.UNDECIDED, 0.0)
    small = judge_difference("facts kept", base + 0.01, base, Threshold(0.05))
    assert small.verdict is Verdict.FAILS
    assert "+1.0 points on 12 prompts" in small.reason
    one_differs = judge_difference("facts kept", np.eye(8)[0], np.zeros(8))
    assert "too few of them differ" in one_differs.reason
    with pytest.raises(ValueError, match="compared with"):
        judge_difference("facts kept", base, base[:3])


def test_values_that_are_no_shares_are_refused():
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        share_estimate("facts kept", [0.5, 1.2])
    with pytest.raises(ValueError, match="infinite"):
        mean_estimate("PSNR", [math.inf])
    assert impossible("spelling", "The world has no words.").verdict is Verdict.IMPOSSIBLE


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.834, "share", "83\u00a0%"),
        (0.997, "share", "99.7\u00a0%"),
        (1.0, "share", "100\u00a0%"),
        (-0.04, "points", "\u22124.0 points"),
        (34.83, "dB", "34.8 dB"),
        (-0.004, "cosine", "\u22120.0040"),
        (0.0, "cosine", "0.00"),
        (0.516, "", "0.52"),
    ],
)
def test_numbers_in_words(value, unit, words):
    assert in_words(value, unit) == words


@pytest.mark.parametrize("n", [8, 16, 24, 100])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.8, 0.97])
def test_of_counts_at_the_threshold_at_most_one_in_forty_gets_each_wrong_verdict(n, share):
    holds, fails = errors_of_counts(n, share)
    assert holds <= 0.025 + 1e-9
    assert fails <= 0.025 + 1e-9


@pytest.mark.parametrize(
    "judge",
    [
        facts(0.8, 20, 24),
        facts(0.6, 2, 12),
        differences(0.8, 8),
        differences(0.8, 24),
        means("normal", 12),
        means("t(3)", 24),
    ],
)
def test_verdicts_at_the_threshold_are_wrong_in_about_one_of_twenty_repetitions(judge):
    """With 300 repetitions an error rate of 5 % gives more than 8.3 % in one of a hundred runs of the simulation."""
    holds, fails = errors(judge, 300)
    assert holds + fails <= 0.083
