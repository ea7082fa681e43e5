import analysis_frames
import pytest

from telephone.analysis import game_scores
from telephone.analysis.tables.run_comparison import compare_games, compare_runs
from telephone.core.errors import UsageError

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
