from pathlib import Path

import pandas as pd
import pytest
import report_frames

from telephone.core.errors import UsageError
from telephone.report import games_of
from telephone.report.games import PlayedGame, Turn


def test_games_are_sorted_by_level_and_keep_their_turns(tmp_path):
    table = report_frames.frame(tmp_path, turns=3).sample(frac=1.0, random_state=1)
    games = games_of(table)
    assert [game.level for game in games] == ["easy"] * 6 + ["hard"] * 6
    assert all([turn.number for turn in game.turns] == [1, 2, 3] for game in games)
    for game in games:
        assert game.turns[0].before == game.prompt
        assert [turn.after for turn in game.turns[:-1]] == [turn.before for turn in game.turns[1:]]


def test_scores_are_those_of_the_last_turn_and_none_for_incomplete_games(tmp_path):
    table = report_frames.frame(tmp_path, turns=3)
    whole = games_of(table)[0]
    assert whole.distance == whole.turns[2].distance is not None
    broken = games_of(report_frames.broken(table, 0, 1, "out of memory"))
    lost = next(game for game in broken if game.outcome == "failed")
    assert (len(lost.turns), lost.distance, lost.recall) == (2, None, None)
    assert (lost.turns[1].image, lost.turns[1].after, lost.turns[1].reason) == (None, None, "out of memory")


def test_unscored_is_none_and_not_zero(tmp_path):
    table = report_frames.frame(tmp_path, turns=2).assign(text_after_dist=float("nan"))
    assert games_of(table)[0].distance is None
    assert games_of(table.drop(columns=["text_after_dist", "facts_recall"]))[0].recall is None


def test_a_game_shorter_than_planned_is_pending(tmp_path):
    table = report_frames.frame(tmp_path, turns=2)
    assert {game.outcome for game in games_of(table, planned=2)} == {"ok"}
    assert {game.outcome for game in games_of(table, planned=3)} == {"pending"}


def image_first(outcome: str = "ok") -> pd.DataFrame:
    head = {"conversation_name": "abc", "prompt": "a label", "level": "easy", "t2i_model": "p", "i2t_model": "d"}
    rows = [
        {"step_number": 0, "text_before": None, "text_after": "one", "filepath": "a.png", "outcome": "ok"},
        {"step_number": 1, "text_before": "one", "text_after": "two", "filepath": "b.png", "outcome": "ok"},
    ]
    if outcome != "ok":
        rows[1] |= {"text_after": None, "filepath": None, "outcome": outcome, "reason": "no light"}
    return pd.DataFrame([head | {"first": "image", "prompt_sha256": "00ff"} | row for row in rows])


def test_image_first_games_show_their_first_image_and_each_text_with_its_image():
    game = games_of(image_first(), image_path=lambda sha: Path(f"{sha}.png"))[0]
    shown = [(turn.label, turn.before, str(turn.image), turn.after) for turn in game.turns]
    assert shown == [
        ("Start", None, "00ff.png", "one"),
        ("Turn 1", "one", "a.png", "two"),
        ("Turn 2", "two", "b.png", None),
    ]
    assert game.outcome == "ok" and not game.turns[-1].lacks_description


def test_incomplete_image_first_games_end_with_the_image_without_description():
    game = games_of(image_first("failed"))[0]
    assert [(turn.label, turn.after, turn.outcome) for turn in game.turns] == [
        ("Start", "one", "ok"),
        ("Turn 1", None, "failed"),
    ]
    assert game.turns[-1].lacks_description and game.turns[-1].reason == "no light"


def test_a_frame_without_its_columns_is_an_error():
    with pytest.raises(UsageError, match="no column 'prompt'"):
        games_of(pd.DataFrame({"conversation_name": []}))


def test_a_game_without_turns_has_no_score():
    game = PlayedGame("x", "prompt", "easy", "a", "b", ())
    assert (game.outcome, game.distance) == ("ok", None)
    assert Turn(1, "a", None, Path("x.png"), "failed").lacks_description
