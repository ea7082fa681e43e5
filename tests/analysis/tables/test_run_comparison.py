import analysis_frames
import numpy as np
import pandas as pd
import pytest

from telephone.analysis import game_scores
from telephone.analysis.tables.run_comparison import answering_measure, compare_games, compare_runs
from telephone.core.errors import UsageError
from telephone.core.records import LEVELS

PROMPTS = analysis_frames.levels(9)


def games(shift, prompts=PROMPTS, **other):
    def distance(t2i, i2t, prompt, turn):
        return 0.2 + 0.01 * int(prompt[1:]) + (0.1 if t2i == "d2" else 0.0) + shift(prompt)

    return game_scores(analysis_frames.frame(distance, prompts, **other))


def test_a_constant_difference_is_found_exactly_at_every_level():
    made = compare_games({"old": games(lambda prompt: 0.0), "new": games(lambda prompt: -0.05)})
    assert list(made.table["level"]) == ["easy", "medium", "hard", "all"]
    assert made.table["difference"].to_numpy() == pytest.approx([-0.05] * 4)
    assert list(made.table["n"]) == [3, 3, 3, 9] and (made.table["better"] == 1.0).all()
    assert (made.prompts, made.left_out, made.notes) == (9, 0, ())


def test_a_difference_that_goes_both_ways_is_not_told():
    made = compare_games({"a": games(lambda p: 0.0), "b": games(lambda p: 0.1 if int(p[1:]) % 2 else -0.1)})
    overall = made.table.iloc[-1]
    assert overall["low"] < 0 < overall["high"] and not overall["told"]
    assert overall["better"] == pytest.approx(5 / 9)


def test_only_common_pairs_count_and_only_common_prompts():
    base = games(lambda prompt: 0.0, t2i=("d1", "d2"))
    fewer = {name: level for name, level in PROMPTS.items() if name != "p08"}
    other = games(lambda prompt: 0.0, fewer, t2i=("d2", "d3"))
    made = compare_games({"base": base, "other": other})
    assert made.pairs == (("d2", "w1"), ("d2", "w2"))
    assert made.table["difference"].to_numpy() == pytest.approx([0.0] * 4)
    assert made.left_out == 1 and "1 others are left out" in made.notes[0]


def test_runs_without_a_common_pair_count_with_all_of_theirs():
    made = compare_games({"a": games(lambda p: 0.0, t2i=("d1",)), "b": games(lambda p: 0.0, t2i=("d2",))})
    assert made.pairs == () and "share no pair of models" in made.notes[0]
    assert made.table.iloc[-1]["difference"] == pytest.approx(0.1)


def test_shares_of_facts_are_better_when_higher():
    made = compare_games({"a": games(lambda p: 0.0), "b": games(lambda p: 0.1)}, "recall", "mean")
    assert made.table["difference"].to_numpy() == pytest.approx([-0.05] * 4) and (made.table["better"] == 0).all()


def test_unscored_prompts_are_left_out_and_told():
    broken = games(lambda p: 0.0)
    broken.loc[broken["prompt_id"] == "p00", "distance_final"] = float("nan")
    made = compare_games({"a": games(lambda p: 0.0), "b": broken})
    assert made.table.iloc[-1]["n"] == 8 and "left out, not counted as 0: 1." in made.notes[-1]


def test_runs_that_cannot_be_compared_say_why():
    other = games(lambda p: 0.0).assign(prompt_id="q")
    with pytest.raises(UsageError, match="share no prompt"):
        compare_games({"a": games(lambda p: 0.0), "b": other})
    with pytest.raises(UsageError, match="two or more runs"):
        compare_runs({})


def battle(rng, prompts, noise="gaussian", shift=0.0):
    """The games of a run by numbers: one pair, scores around those of the prompt."""
    table = pd.DataFrame({
        "game": [f"g{p}" for p in range(prompts)], "prompt_id": [f"p{p}" for p in range(prompts)],
        "level": [LEVELS[p % 4] for p in range(prompts)], "t2i_model": "d", "i2t_model": "w", "outcome": "ok",
        "repeat": 0, "control": "",
    })  # fmt: skip
    drawn = {
        "gaussian": lambda: rng.normal(0, 0.1, prompts),
        "skewed": lambda: 0.1 * rng.exponential(1, prompts),
        "discrete": lambda: 0.2 * (rng.random(prompts) < 0.2),
    }[noise]()
    return table.assign(distance_final=0.4 + 0.01 * (table.index % 7) + drawn + shift)


def errors(noise, prompts, runs, battles, seed=0):
    """The share of comparisons of equal runs in which a row is said to differ."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(battles):
        games = {f"r{at}": battle(rng, prompts, noise) for at in range(runs)}
        found += bool(compare_games(games).table["told"].any())
    return found / battles


@pytest.mark.parametrize("noise", ["gaussian", "skewed", "discrete"])
@pytest.mark.parametrize(("prompts", "runs"), [(10, 2), (40, 3)])
def test_equal_runs_are_rarely_told_apart(noise, prompts, runs):
    battles = 100
    assert errors(noise, prompts, runs, battles) <= 0.05 + 2.3 * np.sqrt(0.05 * 0.95 / battles)


def test_interval_and_verdict_never_contradict():
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.05, 0.1, 0.3):
        found = compare_games({"a": battle(rng, 40), "b": battle(rng, 40, shift=shift), "c": battle(rng, 40)}).table
        excluded = (found["low"] > 0) | (found["high"] < 0)
        assert (excluded == found["told"]).all()
        assert (found["told"] == (found["p_holm"] <= 0.05)).all()
    assert found["told"].any()


def test_few_prompts_are_no_test():
    rng = np.random.default_rng(4)
    found = compare_games({"a": battle(rng, 5), "b": battle(rng, 5, shift=5.0)}).table
    assert not found["told"].any() and found[["low", "high", "p_holm"]].isna().all(axis=None)


def test_facts_answer_where_every_run_counts_them():
    rng = np.random.default_rng(5)
    near = battle(rng, 8).assign(recall_final=1.0, similarity_final=np.nan)
    partly = near.assign(recall_final=[1.0] * 4 + [np.nan] * 4)
    assert answering_measure([near, near]) == "recall"
    assert answering_measure([near, partly]) == "distance"
    alike = [own.assign(similarity_final=0.5) for own in (near, partly)]
    assert answering_measure(alike) == "similarity"
    assert answering_measure([near, near.assign(outcome="failed")]) == "recall"
    assert answering_measure([near.assign(outcome="failed")]) == "distance"
