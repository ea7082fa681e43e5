"""Bradley-Terry strengths, checked by hand."""

import numpy as np
import pytest
from analysis_frames import frame

from telephone.analysis import bradley_terry, game_scores
from telephone.analysis.inference.bradley_terry import fit_strengths

BASE = {"a": 0.2, "b": 0.3, "c": 0.3}


LEVELS = {"e1": "easy", "e2": "easy", "h1": "hard"}


GAMES = game_scores(frame(lambda d, w, p, turn: BASE[d] + (0.1 if w == "w2" else 0.0), LEVELS, t2i=list("abc")))


def test_strengths_by_hand() -> None:
    # 3 wins of 4, and a quarter of a win for each: 3.25 to 1.25.
    found = fit_strengths(np.array([[0.0, 3.0], [1.0, 0.0]]))
    assert found == pytest.approx([np.log(2.6) / 2, -np.log(2.6) / 2])


def test_strengths_make_the_expected_wins_equal_the_wins() -> None:
    wins = np.array([[0.0, 30.0, 39.0], [10.0, 0.0, 25.0], [1.0, 15.0, 0.0]])
    found = fit_strengths(wins)
    won = (wins + 0.25) * (1 - np.eye(3))
    power = np.exp(found)
    expected = (won + won.T) * power[:, None] / (power[:, None] + power[None, :])
    assert expected.sum(1) == pytest.approx(won.sum(1), abs=1e-4)
    assert found.sum() == pytest.approx(0.0, abs=1e-9)


def test_bradley_terry() -> None:
    found = bradley_terry(GAMES, "t2i")
    last = found[found["level"] == "all"].set_index("model")
    assert last.loc["a", ["wins", "ties", "losses"]].tolist() == [12, 0, 0]  # 3 prompts x 2 partners x 2 others
    assert last.loc["b", ["wins", "ties", "losses"]].tolist() == [0, 6, 6]
    assert last["rank"].tolist() == [1, 2, 2]
    assert last["strength"].sum() == pytest.approx(0.0)
    assert last.loc["a", "chance"] > 0.8
    assert last[["low", "high"]].isna().all(axis=None)  # every prompt went the same way: no spread, no interval
    wide = bradley_terry(GAMES, "t2i", tie=0.15)
    assert set(wide["rank"]) == {1}
    assert bradley_terry(GAMES, "i2t")["model"].iloc[0] == "w1"
    assert len(bradley_terry(GAMES, "pair")) == 3 * 6
    assert len(bradley_terry(GAMES.iloc[:0], "t2i")) == 0


def test_a_game_that_is_missing_is_no_meeting() -> None:
    games = GAMES[~((GAMES["t2i_model"] == "b") & (GAMES["i2t_model"] == "w1"))]
    last = bradley_terry(games, "t2i").query("level == 'all'").set_index("model")
    assert last.loc["b", ["wins", "ties", "losses"]].sum() == 3 * 2
    assert last.loc["a", "wins"] == 3 * 2 + 3


def test_the_strongest_keeps_its_place_however_large_the_battle() -> None:
    skill = np.linspace(2, -2, 8)
    power = np.exp(skill)
    wins = 200 * power[:, None] / (power[:, None] + power[None, :]) * (1 - np.eye(8))
    assert fit_strengths(wins) == pytest.approx(skill, abs=0.02)
