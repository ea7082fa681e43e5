"""The summary of a run: what a report and a leaderboard print, at every stage of a run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from analysis_frames import broken, frame, levels

import telephone.analysis
from telephone import battle
from telephone.analysis import summarise, summarise_frame
from telephone.analysis.convergence.fixed_points import FLOOR
from telephone.core.errors import UsageError
from telephone.judge import score
from telephone.prompts import get
from telephone.store import Run

DRAW = {"d1": 0.1, "d2": 0.4}


def table(prompts: int = 9, turns: int = 2) -> pd.DataFrame:
    return frame(lambda one, other, prompt, turn: DRAW[one] + 0.01 * int(prompt[1:]), levels(prompts), turns=turns)


def begun(folder: Path) -> Run:
    lines = battle.grid(["fake/painter", "fake/painter?loss=0.4"], ["fake/captioner", "fake/captioner?loss=0.1"])
    return battle.begin(folder, battle.plan(lines, get("pocket"), turns=2))


def test_answers_and_counts() -> None:
    found = summarise_frame(table())
    assert (found.t2i_models, found.i2t_models) == (("d1", "d2"), ("w1", "w2"))
    assert (found.levels, found.turns, found.prompts) == (("easy", "medium", "hard"), 2, 9)
    assert (found.counts.planned, found.counts.finished, found.counts.unfinished) == (36, 36, 0)
    assert (found.counts.descriptions, found.counts.undistanced, found.counts.unfacted) == (72, 0, 0)
    drawing, describing, matters = found.answers
    assert drawing.significant
    assert drawing.answer.startswith("d1 keeps most facts (93 % [9")
    assert drawing.answer.endswith("distance 0.14, 9 prompts). Best mean at every level (easy, medium, hard): d1.")
    assert (drawing.measure, found.primary.name) == ("recall", "recall")
    assert not describing.significant
    assert describing.answer.startswith("No difference: w1 and w2 have the same score (85 % [")
    assert matters.significant
    assert matters.answer.startswith("Drawing matters more")
    assert len(found.leaderboards) == 3 * 3 * 2
    assert found.leaderboard("pair", "recall", "mean").overall["t2i_model"].tolist() == ["d1", "d1", "d2", "d2"]
    assert len(found.drift) == len(found.facts) == 3 * 4 * 2
    levels, few, models = found.warnings
    assert levels == "Easy, medium and hard: fewer than 8 prompts a level are too few for the interval of a mean."
    assert few == "With 9 prompts only large differences between models are significant."
    assert models.startswith("TOO FEW MODELS: 2 drawing and 2 describing models")


def test_the_rest_is_there_when_it_is_asked_for() -> None:
    battle = table()
    beside = battle[battle["t2i_model"] == "d1"].assign(t2i_model="carbon", i2t_model="fixed", control="fixed")
    beside = beside.assign(game="fixed " + beside["game"])
    found = summarise_frame(pd.concat([battle.assign(control=""), beside], ignore_index=True))
    assert found.t2i_models == ("d1", "d2")
    assert (found.counts.planned, len(found.control_frame)) == (36, len(beside))
    assert set(found.control_means["control"]) == {"fixed"}
    assert found.pairwise_differences["t2i"]["significant"].any()
    assert found.bradley_terry["i2t"]["model"].iloc[0] == "w1"
    gain = found.swap_gains["t2i"]
    assert gain is not None
    assert (gain.best, gain.worst) == ("d1", "d2")
    (pair,) = found.pairwise_differences["t2i"].query("level == 'all'").to_dict("records")
    assert pair["significant"] and 0 < gain.low <= gain.gain <= gain.high
    assert (gain.low, gain.high) == (pair["low_adjusted"], pair["high_adjusted"])  # by facts, d1 minus d2
    assert "add --controls" in found.oracle_swaps.note
    assert (found.convergence.games["period"] == 1).all()  # every description is the same letter


def test_broken_games_and_single_prompts_are_warned_of() -> None:
    played = broken(broken(table(4), "p00 d1 w1 0", 0), "p01 d2 w2 0", 1, "refused")
    played.loc[0, "tokens_cut"] = 7
    played.loc[played["game"] == "p03 d1 w1 0", "text_after_dist"] = np.nan
    found = summarise_frame(played, planned=20)
    assert (found.counts.finished, found.counts.failed, found.counts.refused, found.counts.unfinished) == (14, 1, 1, 4)
    assert [warning.split(" ", 1)[0] for warning in found.warnings] == ["2", "4", "2", "7", "Easy,", "With"]
    assert "2 of 20 games stopped early (1 failed, 1 refused)" in found.warnings[0]
    few = "Easy, medium and hard: fewer than 8 prompts a level are too few for the interval of a mean."
    assert few in found.warnings


def test_without_facts_there_are_no_boards_of_facts() -> None:
    found = summarise_frame(table().drop(columns=["facts_recall", "facts_precision"]))
    assert {board.measure.name for board in found.leaderboards} == {"distance"}
    assert len(found.facts) == 0
    with pytest.raises(UsageError, match="no leaderboard of recall"):
        found.leaderboard("t2i", "recall")


def test_every_stage_of_a_run(tmp_path: Path) -> None:
    with begun(tmp_path / "run") as run:
        nothing = summarise(run)
        assert (nothing.counts.planned, nothing.counts.unfinished, nothing.counts.descriptions) == (40, 40, 0)
        assert not any(answer.significant for answer in nothing.answers)
        battle.play(run)
        unscored = summarise(run)
        assert (unscored.counts.finished, unscored.counts.undistanced) == (40, 80)
        assert [answer.significant for answer in unscored.answers] == [False] * 3
        assert unscored.answers[0].answer == "This cannot be determined. No game has a score."
        score(run, "fake/embedder")
        found = summarise(run)
        score(run, "fake/embedder", full=True)
        measured = summarise(run)
    assert len(found.judges) == 2
    assert found.counts.undistanced == found.counts.unfacted == 0
    assert found.leaderboard("t2i").overall["t2i_model"].iloc[0] == "fake/painter"
    assert found.answers[0].significant
    assert found.leaderboard("pair", "recall").overall["mean"].iloc[0] == 1.0
    assert unscored.convergence.space == "bags of words"
    assert (found.convergence.space, found.convergence.floor) == ("fake/embedder", FLOOR)
    assert (found.convergence.games["period"] == unscored.convergence.games["period"]).all()
    assert measured.convergence.floor > FLOOR  # other wordings of the same scene, by their words


def test_a_frame_that_was_exported(tmp_path: Path) -> None:
    frame_ = table()
    frame_.to_csv(tmp_path / "run.csv", index=False)
    again = summarise_frame(pd.read_csv(tmp_path / "run.csv"))
    pd.testing.assert_frame_equal(again.leaderboard("t2i").table, summarise_frame(frame_).leaderboard("t2i").table)


def test_a_frame_that_is_there_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with begun(tmp_path / "run") as run:
        battle.play(run)
        score(run, "fake/embedder")
        frame_, found = run.frame(), summarise(run)
        monkeypatch.setattr(Run, "frame", lambda _: pytest.fail("the frame was built again"))
        again = summarise(run, frame=frame_)
    assert again.counts == found.counts
    pd.testing.assert_frame_equal(again.leaderboard("pair").table, found.leaderboard("pair").table)


@pytest.mark.parametrize(("name", "successor"), [("summary", "summarise"), ("bits", "caption_retrieval_bits")])
def test_an_earlier_name_gives_the_new_one(name: str, successor: str) -> None:
    with pytest.raises(ImportError, match=f"telephone.analysis.{name} is now {successor}"):
        getattr(telephone.analysis, name)
    with pytest.raises(AttributeError):
        getattr(telephone.analysis, "no_such_name")  # noqa: B009
