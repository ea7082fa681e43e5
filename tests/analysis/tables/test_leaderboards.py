"""Means by turn and leaderboards, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from analysis_frames import broken, frame, levels

from telephone.analysis import game_scores, indistinguishable_from_best, leaderboard, ordered_levels, turn_means
from telephone.core.errors import UsageError

D = {"d1": 0.1, "d2": 0.3}
W = {"w1": 0.0, "w2": 0.1}
P = {"easy1": 0.0, "easy2": 0.2, "hard1": 0.5}
LEVELS = {"easy1": "easy", "easy2": "easy", "hard1": "hard"}


def distance(one: str, other: str, prompt: str, turn: int) -> float:
    return (D[one] + W[other] + P[prompt]) * (turn + 1) / 2


TABLE = frame(distance, LEVELS)


def row(table: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_by_step() -> None:
    table = turn_means(TABLE)
    assert list(table.columns) == [
        "level", "t2i_model", "i2t_model", "step_number", "mean", "low", "high", "se", "n", "unscored",
    ]  # fmt: skip
    assert len(table) == 2 * 4 * 2
    easy = row(table, level="easy", t2i_model="d1", i2t_model="w2", step_number=1)
    assert easy["mean"] == pytest.approx((0.2 + 0.4) / 2)
    assert easy["n"] == 2
    assert easy["se"] == pytest.approx(0.1, rel=0.05)
    assert np.isnan(easy["low"])  # two prompts are too few for an interval
    hard = row(table, level="hard", t2i_model="d2", i2t_model="w1", step_number=0)
    assert hard["mean"] == pytest.approx(0.4)
    assert hard["n"] == 1
    assert np.isnan(hard["low"])


def test_repeats_are_one_observation() -> None:
    one = turn_means(TABLE)
    three = turn_means(frame(distance, LEVELS, repeats=3))
    pd.testing.assert_frame_equal(one, three)


def test_by_step_counts_what_is_unscored() -> None:
    table = turn_means(broken(TABLE, "easy1 d1 w1 0", 1))
    cell = row(table, level="easy", t2i_model="d1", i2t_model="w1", step_number=1)
    assert cell["mean"] == pytest.approx(0.3)
    assert (cell["n"], cell["unscored"]) == (1, 1)
    nothing = turn_means(TABLE.assign(text_after_dist=np.nan))
    assert nothing["mean"].isna().all()
    assert (nothing["n"] == 0).all()
    assert row(nothing, level="easy", t2i_model="d1", i2t_model="w1", step_number=1)["unscored"] == 2


def test_leaderboard_of_drawing_models() -> None:
    board = leaderboard(game_scores(TABLE), "t2i")
    assert board.table["t2i_model"].tolist() == ["d1"] * 3 + ["d2"] * 3
    assert board.table["level"].tolist() == ["easy", "hard", "all"] * 2
    assert row(board.table, level="easy", t2i_model="d1")["mean"] == pytest.approx(0.1 + 0.05 + 0.1)
    assert row(board.table, level="hard", t2i_model="d2")["mean"] == pytest.approx(0.3 + 0.05 + 0.5)
    overall = row(board.table, level="all", t2i_model="d1")
    assert overall["mean"] == pytest.approx(0.1 + 0.05 + (0.0 + 0.2 + 0.5) / 3)
    assert (overall["n"], overall["games"], overall["unscored"], overall["rank"]) == (3, 6, 0, 1)
    # It is better on all prompts, but three prompts are too few for a significant difference.
    assert (overall["rank_low"], overall["rank_high"], overall["p_best"]) == (1, 2, 1)
    single = row(board.table, level="hard", t2i_model="d1")
    assert np.isnan([single["low"], single["high"], single["rank_low"], single["p_best"]]).all()
    assert board.note == ""
    assert board.rankable


def test_leaderboards_of_describing_models_and_pairs() -> None:
    games = game_scores(TABLE)
    describing = leaderboard(games, "i2t", when="mean")
    assert describing.overall["i2t_model"].tolist() == ["w1", "w2"]
    assert row(describing.table, level="hard", i2t_model="w2")["mean"] == pytest.approx((0.2 + 0.1 + 0.5) * 0.75)
    pairs = leaderboard(games, "pair")
    assert pairs.names == ("t2i_model", "i2t_model")
    found = pairs.overall[["t2i_model", "i2t_model", "rank"]].itertuples(index=False, name=None)
    assert list(found) == [("d1", "w1", 1), ("d1", "w2", 2), ("d2", "w1", 3), ("d2", "w2", 4)]


def test_more_facts_are_better() -> None:
    board = leaderboard(game_scores(TABLE), "t2i", "recall")
    assert board.overall["t2i_model"].tolist() == ["d1", "d2"]
    assert board.overall["mean"].iloc[0] == pytest.approx(1 - (0.15 + 0.7 / 3) / 2)
    assert board.overall["high"].isna().all()  # three prompts are too few for an interval
    many = game_scores(frame(lambda d, w, p, _: D[d] + W[w] + 0.01 * int(p[1:]), levels(9)))
    assert leaderboard(many, "t2i", "recall").overall["high"].between(0.8, 1.0).all()


def test_levels_in_their_order_and_no_pooling_of_one() -> None:
    assert ordered_levels(pd.DataFrame({"level": ["other", "impossible", "easy", "hard"]})) == [
        "easy", "hard", "impossible", "other",
    ]  # fmt: skip
    one = leaderboard(game_scores(TABLE[TABLE["level"] == "easy"]), "t2i")
    assert one.table["level"].tolist() == ["easy", "easy"]
    assert one.rankable


def test_games_that_broke_off_are_counted_not_zero() -> None:
    games = game_scores(broken(TABLE, "easy1 d1 w1 0", 0))
    board = leaderboard(games, "t2i")
    easy = row(board.table, level="easy", t2i_model="d1")
    assert easy["mean"] == pytest.approx(((0.1 + 0.1) + (0.1 + 0.05 + 0.2)) / 2)
    assert (easy["games"], easy["unscored"]) == (4, 1)
    assert board.note == "1 of 12 games have no score; they are in no mean and do not count as 0."


def test_nothing_to_rank() -> None:
    alone = leaderboard(game_scores(frame(distance, LEVELS, t2i=["d1"])), "t2i")
    assert not alone.rankable
    assert alone.note == "Only one of the text-to-image models played: there is nothing to rank."
    unscored = leaderboard(game_scores(TABLE.assign(text_after_dist=np.nan)), "t2i")
    assert unscored.note == "No game has a score."
    assert unscored.overall["mean"].isna().all()
    assert unscored.overall["unscored"].tolist() == [6, 6]
    empty = leaderboard(game_scores(TABLE.iloc[:0]), "pair")
    assert len(empty.table) == 0
    assert empty.note == "No game has a score."


def test_who_cannot_be_told_from_the_best() -> None:
    generator = np.random.default_rng(3)
    noise = {key: generator.normal(0, 0.05) for key in [(d, p) for d in "abc" for p in levels(12)]}
    base = {"a": 0.3, "b": 0.3, "c": 0.5}
    table = frame(lambda one, other, prompt, turn: base[one] + noise[one, prompt], levels(12), t2i=["a", "b", "c"])
    games = game_scores(table)
    found = indistinguishable_from_best(games, "t2i")
    assert sorted(found) == ["a", "b"]
    assert found[0] == leaderboard(games, "t2i").overall["t2i_model"].iloc[0]
    # A difference that is the same on each of three prompts is no certainty: one of four assignments of signs gives it.
    assert indistinguishable_from_best(game_scores(TABLE), "t2i") == ["d1", "d2"]
    assert indistinguishable_from_best(game_scores(TABLE.iloc[:0]), "t2i") == []
    single = game_scores(TABLE[TABLE["prompt_id"] == "hard1"])
    assert indistinguishable_from_best(single, "t2i") == ["d1", "d2"]  # one prompt tells nothing


def test_wrong_requests() -> None:
    games = game_scores(TABLE)
    with pytest.raises(UsageError, match="There is no measure 'beauty': choose from distance, similarity, rec"):
        leaderboard(games, "t2i", "beauty")
    with pytest.raises(UsageError, match="There is no leaderboard 't2i' 'first'"):
        leaderboard(games, "t2i", when="first")


def test_draws_without_a_comparable_prompt_give_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    table = pd.DataFrame({
        "game": list("abcdef"), "prompt_id": ["p", "p", "q", "q", "r", "s"],
        "level": ["easy", "easy", "easy", "easy", "easy", "easy"],
        "t2i_model": ["one", "two", "one", "two", "one", "one"], "i2t_model": "t", "repeat": 0,
        "distance_final": [0.1, 0.2, 0.3, 0.5, 0.1, 0.2],
    })  # fmt: skip
    assert indistinguishable_from_best(table, "t2i") == ["one", "two"]
    assert not recwarn.list


def test_resampled_prompts_without_a_score_are_left_out(recwarn: pytest.WarningsRecorder) -> None:
    table = frame(lambda d, w, p, _: D[d] + W[w] + 0.01 * int(p[1:]), levels(4))
    table.loc[table["prompt_id"].isin(["p00", "p03"]), "text_after_dist"] = np.nan
    board = leaderboard(game_scores(table), "t2i").overall
    assert board["p_best"].tolist() == [1.0, 0.0]
    assert board["rank_high"].tolist() == [2, 2]
    assert not recwarn.list
