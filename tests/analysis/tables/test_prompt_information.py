"""Ranges between pairs on each prompt, and the prompts that distinguish no models, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from analysis_frames import broken, frame

from telephone.analysis import (
    game_scores,
    information_by_level,
    prompt_information,
    summarise_frame,
    uninformative_prompts,
)
from telephone.analysis.tables.prompt_information import information_warnings
from telephone.core.errors import UsageError
from telephone.report.html.prompt_information import prompt_information as as_text

LEVELS = {"whole": "easy", "split": "easy", "same": "hard", "lost": "hard", "other": "hard"}
BY_PROMPT = {
    "whole": lambda one, other: 0.0,
    "split": lambda one, other: 0.2 * (one == "d2") + 0.6 * (other == "w2"),
    "same": lambda one, other: 0.5,
    "lost": lambda one, other: 2.0,
    "other": lambda one, other: 0.0 if (one, other) == ("d1", "w1") else 2.0,
}
FRAME = frame(lambda one, other, prompt, turn: BY_PROMPT[prompt](one, other) * turn, LEVELS, repeats=2)
GAMES = game_scores(FRAME)
"""After the last turn facts kept are 1 minus half the distance."""


def test_ranges_over_pairs_and_over_the_models_of_a_side() -> None:
    table = prompt_information(GAMES).set_index("prompt_id")
    split = table.loc["split"]
    assert (split["pairs"], split["level"], split["state"]) == (4, "easy", "spread")
    assert [split["lowest"], split["highest"], split["range"]] == pytest.approx([0.6, 1.0, 0.4])
    assert [split["t2i_range"], split["i2t_range"]] == pytest.approx([0.1, 0.3])
    other = table.loc["other"]
    assert [other["range"], other["t2i_range"], other["i2t_range"]] == pytest.approx([1.0, 0.5, 0.5])


def test_states_of_prompts_that_cannot_distinguish() -> None:
    assert dict(uninformative_prompts(GAMES)[["prompt_id", "state"]].to_numpy()) == {
        "whole": "ceiling", "same": "equal", "lost": "floor",
    }  # fmt: skip
    by_distance = uninformative_prompts(GAMES, "distance")  # the best distance is the smallest one
    assert dict(by_distance[["prompt_id", "state"]].to_numpy()) == {
        "whole": "ceiling", "same": "equal", "lost": "floor",
    }  # fmt: skip
    first = uninformative_prompts(GAMES, when="mean").set_index("prompt_id")["state"]
    assert first["lost"] == "equal"  # whole after the first turn, lost after the second


def test_a_repeat_that_loses_something_is_information() -> None:
    lost = FRAME["game"].eq("whole d1 w1 1") & FRAME["step_number"].eq(1)
    games = game_scores(FRAME.assign(facts_recall=FRAME["facts_recall"].where(~lost, 0.9)))
    assert "whole" not in set(uninformative_prompts(games)["prompt_id"])


def test_pairs_without_a_score_do_not_count() -> None:
    table = frame(lambda one, other, prompt, turn: 0.4 * (one == "d2"), {"p": "easy"})
    stopped = table
    for game in ("p d2 w1 0", "p d2 w2 0"):
        stopped = broken(stopped, game, 1)
    found = prompt_information(game_scores(stopped)).iloc[0]
    assert (found["pairs"], found["state"]) == (2, "ceiling")
    assert np.isnan(found["t2i_range"])
    only = broken(stopped, "p d1 w2 0", 1)
    assert prompt_information(game_scores(only)).empty  # one pair cannot be compared with another
    unscored = game_scores(table.assign(facts_recall=np.nan))
    assert prompt_information(unscored).empty
    assert information_warnings(unscored) == []


def test_controls_are_left_out() -> None:
    marked = GAMES.assign(control=np.where(GAMES["t2i_model"] == "d2", "exact", ""))
    assert prompt_information(marked)["pairs"].tolist() == [2] * 5


def test_by_level() -> None:
    table = information_by_level(prompt_information(GAMES)).set_index("level")
    assert table.loc["easy", ["prompts", "ceiling", "floor", "equal"]].tolist() == [2, 1, 0, 0]
    assert table.loc["hard", ["prompts", "ceiling", "floor", "equal"]].tolist() == [3, 0, 1, 1]
    assert table.loc["easy", "range"] == pytest.approx(0.2)
    (made,) = as_text(prompt_information(GAMES), "share of facts kept")
    assert made.rows == (
        ("easy", "2", "1", "0", "0.20", "0.05", "0.15"),
        ("hard", "3", "0", "2", "0.33", "0.17", "0.17"),
    )
    assert as_text(prompt_information(GAMES.iloc[:0]), "distance") == ()


def test_warnings_name_the_prompts() -> None:
    assert information_warnings(GAMES) == [
        "1 of 5 prompts is kept whole by every pair and cannot distinguish models: whole.",
        "1 of 5 prompts is kept by no pair and cannot distinguish models: lost.",
        "1 of 5 prompts is kept to the same share by every pair and cannot distinguish models: same.",
    ]
    many = frame(lambda one, other, prompt, turn: 0.0, {f"p{at}": "easy" for at in range(9)})
    (sentence,) = information_warnings(game_scores(many))
    assert sentence.endswith("models: p0, p1, p2, p3, p4, p5 and 3 more.")
    assert sentence in summarise_frame(many).warnings


def test_without_facts_the_summary_compares_distances() -> None:
    found = summarise_frame(FRAME.assign(facts_recall=np.nan))
    assert found.prompt_information.set_index("prompt_id").loc["split", "range"] == pytest.approx(0.8)
    pd.testing.assert_frame_equal(summarise_frame(FRAME).prompt_information, prompt_information(GAMES))


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="no measure 'colour'"):
        prompt_information(GAMES, "colour")
    with pytest.raises(UsageError, match="no time 'later'"):
        prompt_information(GAMES, when="later")
