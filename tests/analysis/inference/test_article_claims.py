import analysis_frames
import numpy as np
import pandas as pd
import pytest

from telephone.analysis.convergence.overview import TextSpace
from telephone.analysis.convergence.rest_evidence import RestEvidence
from telephone.analysis.facts.fact_tracking import subject_change_turns
from telephone.analysis.inference.article_claims import FAILS, HOLDS, OPEN, check_article_claims
from telephone.analysis.inference.side_importance import side_gap, side_importance

DRAW, TELL = {"d1": 0.0, "d2": 0.2}, {"w1": 0.0, "w2": 0.2}


def frame(draws=0.0, tells=0.0, turns=10, prompts=None, noise=0.0, level_turn=None):
    """Games in which the two sides are worth so much at each turn; `level_turn` gives both for a level and turn."""

    def distance(t2i, i2t, prompt, turn):
        one, other = (draws, tells) if level_turn is None else level_turn(turn)
        wobble = noise * ((hash_of(t2i, i2t, prompt, turn) % 1000) / 1000 - 0.5)
        return 0.3 + one * DRAW[t2i] + other * TELL[i2t] + 0.001 * int(prompt[1:]) + wobble

    return analysis_frames.frame(distance, prompts or analysis_frames.levels(12), turns=turns)


def hash_of(*parts):
    from telephone.core import seeds

    return seeds.derive(*parts)


def by_name(found):
    return {claim.name: claim for claim in found}


def test_a_spread_between_models_is_found_exactly_where_prompts_agree():
    found = side_gap(frame(draws=1.0, tells=0.5), "easy", [9])
    # two models 0.2 apart: variance 0.02; two that are 0.1 apart: 0.005
    assert (found.drawing, found.describing) == pytest.approx((np.sqrt(0.02), np.sqrt(0.005)))
    assert (found.gap, found.low, found.high) == pytest.approx((0.015, 0.015, 0.015))
    assert found.n == 4


def test_chance_adds_nothing_on_average_to_a_spread():
    rng = np.random.default_rng(0)
    table = analysis_frames.frame(lambda *_: float(rng.normal(1, 0.3)), {f"p{n}": "easy" for n in range(4)}, turns=150)
    gaps = side_importance(table)["gap"]
    assert len(gaps) == 150
    assert gaps.mean() == pytest.approx(0.0, abs=3 * gaps.std() / np.sqrt(150))


def test_importance_tells_each_level_and_turn_and_needs_two_models_a_side():
    table = side_importance(frame(level_turn=lambda turn: (turn / 9, 1 - turn / 9)))
    assert list(table["level"].unique()) == ["easy", "medium", "hard"]
    assert table.groupby("level").size().to_dict() == {"easy": 10, "medium": 10, "hard": 10}
    hard = table[table["level"] == "hard"].sort_values("step_number")
    assert (hard["gap"].diff().dropna() > 0).all() and hard["gap"].iloc[0] < 0 < hard["gap"].iloc[-1]
    single = frame().query("t2i_model == 'd1'")
    assert side_importance(single).empty


def test_drawing_that_matters_on_easy_prompts_holds_and_the_reverse_does_not():
    assert by_name(check_article_claims(frame(draws=1.0, tells=0.2)))["easy"].verdict == HOLDS
    assert by_name(check_article_claims(frame(draws=0.2, tells=1.0)))["easy"].verdict == FAILS
    assert by_name(check_article_claims(frame(draws=0.0, tells=0.0, noise=0.5)))["easy"].verdict == OPEN
    two = {"p00": "easy", "p01": "easy"}
    few = by_name(check_article_claims(frame(draws=1.0, prompts=two)))["easy"]
    assert few.verdict == OPEN and "too few prompts" in few.explanation and few.value == pytest.approx(0.02)


def test_describing_first_and_drawing_later_on_hard_prompts():
    def change(turn):
        return (0.1, 1.0) if turn < 5 else (1.0, 0.1)

    assert by_name(check_article_claims(frame(level_turn=change)))["hard"].verdict == HOLDS
    assert by_name(check_article_claims(frame(level_turn=lambda turn: change(9 - turn))))["hard"].verdict == FAILS
    short = by_name(check_article_claims(frame(turns=4)))["hard"]
    assert short.verdict == OPEN and "6 turns" in short.explanation


def followed(change_at, prompts=12, attribute="kind", level="medium", describers=("w1",)):
    """Facts of games whose first thing is lost at a turn, given by prompt and describer."""
    rows = []
    for number in range(prompts):
        for i2t in describers:
            for turn in range(1, 11):
                for kind in ("image", "text"):
                    kept = turn < change_at(number, i2t)
                    base = {"game": f"p{number} {i2t}", "prompt_id": f"p{number}", "level": level, "t2i_model": "d1",
                            "i2t_model": i2t, "turn": turn, "kind": kind}  # fmt: skip
                    state = "kept" if kept or kind == "image" else "missing"
                    rows.append(base | {"atom": 1, "attribute": attribute, "fact": "boat", "state": state})
                    rows.append(base | {"atom": 2, "attribute": attribute, "fact": "cat", "state": "missing"})
    return pd.DataFrame(rows)


def test_the_subject_is_the_first_thing_and_changes_where_it_is_first_missing():
    table = subject_change_turns(followed(lambda number, _: 3 + number, prompts=10))
    assert table["subject"].unique().tolist() == ["boat"]
    turns = table.set_index("prompt_id")["turn"]
    assert turns["p0"] == 3 and turns["p7"] == 10 and np.isnan(turns["p8"])


def games_of(table):
    """The frame of turns that belongs to a table of facts."""
    keys = ["game", "prompt_id", "level", "t2i_model", "i2t_model", "turn"]
    rows = table[keys].drop_duplicates().assign(outcome="ok", text_after="a few words", text_after_dist=0.1, repeat=0)
    return rows.assign(step_number=rows["turn"] - 1)


@pytest.mark.parametrize(("turn", "verdict"), [(4, HOLDS), (5, HOLDS), (2, FAILS), (99, FAILS)])
def test_subjects_that_change_at_the_fourth_or_fifth_turn(turn, verdict):
    table = followed(lambda number, _: turn)
    assert by_name(check_article_claims(games_of(table), table))["medium"].verdict == verdict


def test_subjects_that_change_anywhere_leave_it_open():
    table = followed(lambda number, _: 4 if number % 2 else 8)
    found = by_name(check_article_claims(games_of(table), table))["medium"]
    assert found.verdict == OPEN and found.value == pytest.approx(0.5)


def test_long_describers_that_keep_the_style():
    def kept(number, i2t):
        return 99 if i2t == "w2" else 2

    table = followed(kept, attribute="style", describers=("w1", "w2"))
    table = table[table["atom"] == 1]
    frame_ = games_of(table)
    frame_.loc[frame_["i2t_model"] == "w2", "text_after"] = "many words that go on and on for long"
    found = by_name(check_article_claims(frame_, table))["style"]
    assert found.verdict == HOLDS and found.value == 1.0 and 0.3 < found.low < 0.6 and found.high == 1.0
    assert "w2 (9 words) keeps 100 %" in found.explanation
    frame_.loc[frame_["i2t_model"] == "w1", "text_after"] = "many words that go on and on for very long, and longer"
    assert by_name(check_article_claims(frame_, table))["style"].verdict == FAILS


def test_games_that_come_to_rest_word_for_word():
    table = frame(turns=10)
    table["text_after"] = [str(min(step, 4)) for step in table["step_number"]]
    assert by_name(check_article_claims(table))["stable"].verdict == HOLDS
    table["text_after"] = [str(step) for step in table["step_number"]]
    found = by_name(check_article_claims(table))["stable"]
    assert (found.verdict, found.value) == (FAILS, 0.0)
    assert by_name(check_article_claims(frame(turns=5)))["stable"].verdict == OPEN


def test_rest_with_fixed_noise_is_no_evidence_and_motion_is():
    still, moving = frame(turns=10), frame(turns=10)
    still["text_after"] = "a red apple"
    moving["text_after"] = [str(step) for step in moving["step_number"]]
    for noise, on_rest in (("fresh", HOLDS), ("fixed", OPEN)):
        evidence = RestEvidence(noise)
        found = by_name(check_article_claims(still, evidence=evidence))["stable"]
        assert (found.verdict, found.value) == (on_rest, 1.0)
        assert evidence.words in found.explanation
        assert by_name(check_article_claims(moving, evidence=evidence))["stable"].verdict == FAILS


def test_rest_is_judged_by_the_floor_of_the_embedder():
    table = frame(turns=10)
    moved = table[["game", "step_number"]].rename(columns={"step_number": "turn"})
    drift = moved.assign(turn=moved["turn"] + 1, kind="text", to_same=0.08, embedder="e")
    assert by_name(check_article_claims(table, drift=drift))["stable"].verdict == FAILS
    space = TextSpace({}, "e", floor=0.1)
    assert by_name(check_article_claims(table, drift=drift, space=space))["stable"].verdict == HOLDS


def drifted(across, within, floor=0.0, prompts=8):
    rows = [
        {
            "game": f"p{n}",
            "prompt_id": f"p{n}",
            "level": "easy",
            "embedder": "clip",
            "turn": turn,
            "kind": kind,
            "mapping": f"text-{kind}",
            "floor": floor if kind == "image" else 0.1,
            "to_before": across + 0.01 * n,
            "to_same": within if turn > 1 else np.nan,
        }
        for n in range(prompts)
        for turn in range(1, 11)
        for kind in ("image", "text")
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("across", "within", "floor", "verdict"),
    [(0.8, 0.2, 0.0, HOLDS), (0.2, 0.2, 0.0, FAILS), (0.2, 0.8, 0.0, FAILS), (0.58, 0.1, 0.5, FAILS)],
)
def test_pictures_and_texts_are_far_apart_only_beyond_a_true_caption(across, within, floor, verdict):
    found = modalities(drifted(across, within, floor))
    assert found.verdict == verdict
    assert found.value == pytest.approx((across + 0.035 - floor) / within)
    few = modalities(drifted(across, within, floor, prompts=7))
    assert few.verdict == OPEN and few.low is None
    assert "too few prompts" in few.explanation


def test_the_distance_beyond_a_true_caption_is_never_larger_than_the_whole():
    assert (
        "0.54 between an image and a text, 0.04 less than the 0.58 between"
        in modalities(drifted(0.505, 0.1, 0.58)).explanation
    )


@pytest.mark.parametrize(
    "drift",
    [
        drifted(0.8, 0.2).assign(to_before=np.nan),
        drifted(0.8, 0.2).assign(floor=np.nan),
        drifted(0.8, 0.2).drop(columns="floor"),
        drifted(0.8, 0.2).query("turn == 1"),
        drifted(0.8, 0.2).query("kind == 'text'").assign(floor=np.nan),
        drifted(0.8, 0.2).query("kind == 'image'"),
        drifted(0.8, 0.2).query("prompt_id == 'p1'"),
        drifted(0.8, 0.2).iloc[:0],
    ],
)
def test_the_distance_between_kinds_is_undecided_where_a_part_of_it_is_missing(drift):
    found = modalities(drift)
    assert (found.verdict, found.value) == (OPEN, None) and found.explanation


def modalities(drift):
    turns = analysis_frames.frame(lambda *_: 0.1, {f"p{n}": "easy" for n in range(8)}, ("d1",), ("w1",), turns=10)
    turns["game"] = turns["prompt_id"]
    return by_name(check_article_claims(turns, None, drift))["modalities"]


def test_a_run_with_nothing_to_test_leaves_everything_open():
    table = frame().iloc[:0]
    found = check_article_claims(table)
    assert {claim.verdict for claim in found} == {OPEN} and all(claim.explanation for claim in found)
    assert [claim.name for claim in found] == ["easy", "medium", "hard", "stable", "modalities", "style"]
