"""Published scores, retention and drift by numbers worked by hand, on a run whose vectors we choose."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from telephone import battle
from telephone.analysis.tables.drift import cosine_distances, drift_curves, drift_table
from telephone.analysis.tables.published_scores import genception_score, published_scores
from telephone.analysis.tables.retention import add_retention, calibration_lines
from telephone.analysis.tables.score_frames import hop_table
from telephone.core.errors import UsageError
from telephone.core.records import Prompt
from telephone.judge import score


def table(cosines: dict[str, list[float]]) -> pd.DataFrame:
    """One game a pair of kinds, its cosines with the start generation by generation."""
    rows = []
    for mapping, values in cosines.items():
        first, kind = mapping.split("-")
        for at, value in enumerate(values):
            generation = 2 * at + (2 if first == kind else 1)
            head = {"embedder": "e", "t2i_model": "d", "i2t_model": "w", "mapping": mapping, "game": first}
            rows.append(head | {"generation": generation, "turn": at + 1, "to_start": 1 - value})
    return pd.DataFrame(rows)


def test_mean_cumulative_drift_by_hand() -> None:
    found = published_scores(
        table({"text-text": [0.9, 0.7], "text-image": [0.3, 0.2], "image-image": [0.8, 0.4], "image-text": [0.3, 0.1]})
    )
    values = dict(zip(found["measure"], found["value"], strict=True))
    assert values["text-text"] == pytest.approx(0.8)
    assert values["image-text"] == pytest.approx(0.2)
    assert values["mcd_avg"] == pytest.approx((0.8 + 0.25 + 0.6 + 0.2) / 4)
    assert values["gc_at_t"] == pytest.approx((1 * 0.8 + 2 * 0.4) / 3)


def test_a_kind_of_game_that_was_not_played_leaves_no_average() -> None:
    found = published_scores(table({"text-text": [0.9, 0.7], "text-image": [0.3, 0.2]})).set_index("measure")
    assert found.loc["text-text", "value"] == pytest.approx(0.8)
    assert np.isnan(found.loc["mcd_avg", "value"])
    assert np.isnan(found.loc["gc_at_t", "value"])


def test_genception() -> None:
    assert genception_score([1.0, 0.0, 0.5]) == pytest.approx((1 * 1.0 + 2 * 0.0 + 3 * 0.5) / 6)


def test_distances_by_hand() -> None:
    vectors = {
        "a": np.array([1, 0], np.float32),
        "b": np.array([0, 1], np.float32),
        "c": np.array([0.6, 0.8], np.float32),
    }
    found = cosine_distances(vectors, ["a", "a", "b", "x", "c"], ["a", "b", "c", "a", None])
    assert found[:3] == pytest.approx([0, 1, 0.2], abs=1e-6)
    assert np.isnan(found[3:]).all()
    assert np.isnan(cosine_distances({}, ["a"], ["a"])).all()


def test_a_run_from_prompt_to_retention(tmp_path: Path) -> None:
    prompts = [
        Prompt(text, "easy", text[-6:-1])
        for text in ("A red boat on a beach.", "Two cats in a city at night.", "A big green key and a blue hat.")
    ]
    plan = battle.plan(battle.grid(["fake/painter"], ["fake/captioner?loss=0.2"]), prompts, turns=3, seed=1)
    with battle.begin(tmp_path / "run", plan) as run:
        battle.play(run, battle.Roster())
        score(run, "fake/embedder", facts=False, full=True)
        frame = run.frame()
        drifted, sticks = drift_table(run), calibration_lines(run)
        with pytest.raises(UsageError, match="telephone|fake"):
            drift_table(run, "unknown")
    made = hop_table(frame)
    assert list(made["generation"].iloc[:6]) == [1, 2, 3, 4, 5, 6]
    assert list(made["kind"].iloc[:2]) == ["image", "text"]
    assert (made["before"].shift(-1)[:5] == made["sha"][:5]).all()
    # What the pictures of this painter hold is the text: the embedder reads it, and nothing is lost in drawing.
    texts = drifted[drifted["kind"] == "text"].merge(
        frame.assign(turn=frame["step_number"] + 1)[["game", "turn", "text_after_dist"]], on=["game", "turn"]
    )
    assert np.allclose(texts["to_start"], texts["text_after_dist"], atol=1e-6)
    assert drifted.loc[drifted["kind"] == "image", "to_before"].max() == pytest.approx(0, abs=1e-4)
    stick = sticks.set_index("mapping").loc["text-text"]
    assert stick["chance"] > stick["floor"] > 0
    kept = add_retention(drifted, sticks)
    row = kept[kept["mapping"] == "text-text"].iloc[0]
    assert row["retention"] == pytest.approx((row["chance"] - row["to_start"]) / (row["chance"] - row["floor"]))
    curves = drift_curves(kept, "retention")
    assert set(curves.loc[curves["mapping"] == "text-text", "turn"]) == {1, 2, 3}
    assert (curves["n"] == 3).all()


def test_rows_of_a_broken_game(tmp_path: Path) -> None:
    plan = battle.plan(battle.grid(["fake/painter"], ["fake/captioner?fail=1"]), [Prompt("A cat.")], turns=2, seed=1)
    with battle.begin(tmp_path / "run", plan) as run:
        battle.play(run, battle.Roster())
        made = hop_table(run.frame())
        assert list(made["kind"]) == ["image"]
        assert len(drift_table(run)) == 0
        assert len(calibration_lines(run)) == 0
