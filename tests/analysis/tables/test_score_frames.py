"""One row a game, and whose scores are used where several have judged."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from analysis_frames import broken, frame
from numpy.typing import NDArray

from telephone import battle
from telephone.analysis import game_scores, leaderboard, scored_frame
from telephone.analysis.tables.score_frames import with_fact_scores
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.judge import score
from telephone.models import Embedder, Traits

TABLE = frame(lambda one, other, prompt, turn: 0.1 * (turn + 1), {"p": "easy"}, turns=3)


def game(games: pd.DataFrame, name: str) -> dict[str, object]:
    (row,) = games[games["game"] == name].to_dict("records")
    return {str(key): value for key, value in row.items()}


def test_whole_games() -> None:
    games = game_scores(TABLE)
    assert len(games) == 4
    row = game(games, "p d1 w2 0")
    assert (row["level"], row["t2i_model"], row["i2t_model"], row["turns"], row["outcome"]) == (
        "easy", "d1", "w2", 3, "ok",
    )  # fmt: skip
    assert row["distance_final"] == pytest.approx(0.3)
    assert row["distance_mean"] == pytest.approx(0.2)
    assert row["recall_final"] == pytest.approx(0.85)
    assert row["precision_mean"] == pytest.approx(0.9)


@pytest.mark.parametrize("outcome", ["failed", "refused", "pending"])
def test_a_game_that_broke_off_has_no_number(outcome: str) -> None:
    row = game(game_scores(broken(TABLE, "p d1 w1 0", 1, outcome)), "p d1 w1 0")
    assert (row["outcome"], row["turns"]) == (outcome, 1)
    assert all(math.isnan(float(str(row[name]))) for name in ("distance_final", "distance_mean", "recall_final"))


def test_a_game_between_turns_is_pending() -> None:
    table = TABLE[~((TABLE["game"] == "p d1 w1 0") & (TABLE["step_number"] == 2))]
    assert game(game_scores(table), "p d1 w1 0")["outcome"] == "pending"
    assert set(game_scores(TABLE, turns=5)["outcome"]) == {"pending"}


def test_a_turn_without_a_score_leaves_the_final_one() -> None:
    table = TABLE.copy()
    table.loc[(table["game"] == "p d1 w1 0") & (table["step_number"] == 0), "text_after_dist"] = np.nan
    row = game(game_scores(table), "p d1 w1 0")
    assert row["outcome"] == "ok"
    assert row["distance_final"] == pytest.approx(0.3)
    assert math.isnan(float(str(row["distance_mean"])))


def test_unscored_is_not_zero() -> None:
    games = game_scores(TABLE.drop(columns=["text_after_dist", "facts_recall"]))
    assert games[["distance_final", "recall_mean"]].isna().all().all()
    assert games["precision_final"].notna().all()


def test_no_games() -> None:
    assert len(game_scores(TABLE.iloc[:0])) == 0


def test_a_frame_of_something_else() -> None:
    with pytest.raises(UsageError, match="The frame has no column 'game'"):
        game_scores(pd.DataFrame({"x": [1]}))


class Letters(Embedder):
    """Counts vowels."""

    name = "letters"

    def traits(self) -> Traits:
        return Traits("letters-1", seeds=True)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[text.count(vowel) for vowel in "aeiou"] for text in texts], dtype=np.float32)


def test_the_first_judge_of_distances_unless_another_is_named(tmp_path: Path) -> None:
    prompt = Prompt("A red apple on a beach.")
    description = battle.plan([("fake/painter", "fake/captioner?loss=0.5")], [prompt], turns=2)
    with battle.begin(tmp_path / "run", description) as run:
        battle.play(run)
        score(run, "fake/embedder")
        score(run, Letters(), facts=False)
        first, small = scored_frame(run), scored_frame(run, "letters")
        assert not [column for column in first.columns if "@" in column]
        wide = run.frame()
        (other,) = [column for column in wide.columns if column.startswith("text_after_dist@")]
        assert first["text_after_dist"].tolist() == wide["text_after_dist"].tolist()
        assert small["text_after_dist"].tolist() == wide[other].tolist() != first["text_after_dist"].tolist()
        assert small["facts_recall"].tolist() == first["facts_recall"].tolist()
        with pytest.raises(UsageError, match="There is no judge of distances called 'facts'"):
            scored_frame(run, "facts")
        with pytest.raises(UsageError, match="There is more than one judge"):
            scored_frame(run, "distance by")


def test_f1_and_complete_games_follow_from_the_counts() -> None:
    counts = {"facts_kept": [4, 2, 0, np.nan], "facts_wrong": [0, 1, 0, np.nan], "facts_missing": [0, 1, 0, np.nan],
              "facts_invented": [0, 2, 0, np.nan]}  # fmt: skip
    found = with_fact_scores(pd.DataFrame(counts))
    recall, precision = 2 / 4, 2 / 5
    assert found["facts_f1"].tolist()[:2] == pytest.approx([1.0, 2 * recall * precision / (recall + precision)])
    assert found["facts_complete"].tolist()[:2] == [1.0, 0.0]
    assert found[["facts_f1", "facts_complete"]].iloc[2:].isna().all(axis=None)
    assert "facts_f1" not in with_fact_scores(pd.DataFrame({"facts_kept": [1]})).columns


def test_a_board_of_complete_games_has_their_share() -> None:
    table = TABLE.assign(facts_kept=4.0, facts_wrong=0.0, facts_invented=0.0)
    table["facts_missing"] = (table["t2i_model"] == "d1").astype(float)
    board = leaderboard(game_scores(table), "t2i", "complete").overall.set_index("t2i_model")["mean"]
    assert board.to_dict() == {"d1": 0.0, "d2": 1.0}
