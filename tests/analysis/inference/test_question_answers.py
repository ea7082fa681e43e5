"""The answers of battles whose facts, distances and similarities are worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from analysis_frames import frame

from telephone.analysis import VarianceShares, leaderboard, summarise_frame
from telephone.analysis.inference.question_answers import AnswerData, answer_questions
from telephone.analysis.tables.measure_choice import choose_measure
from telephone.analysis.tables.score_frames import MEASURES, game_scores

PROMPTS = {f"p{at:02d}": ("easy", "medium", "hard")[at % 3] for at in range(12)}


def battle(facts=None, distance=None, similarity=None, prompts=PROMPTS):
    """Two drawing and two describing models; each score is a function of drawing model, describing model and prompt."""
    made = frame(lambda *_: 0.3, prompts, turns=1)
    made["facts_recall"] = made["facts_precision"] = np.nan
    for column, score in (
        ("facts_recall", facts),
        ("text_after_dist", distance),
        ("text_after_similarity", similarity),
    ):
        if score is not None:
            keys = made[["t2i_model", "i2t_model", "prompt_id"]].itertuples(index=False, name=None)
            made[column] = [score(*key) for key in keys]
    return made


def noise(prompt, *more):
    return 0.01 * ((hash_of(prompt, *more) % 1000) / 1000 - 0.5)


def hash_of(*parts):
    from telephone.core import seeds

    return seeds.derive(*parts)


def worded(t2i, i2t, prompt):
    """A distance that tells wordings apart: the second describing model is always farther."""
    return 0.2 + 0.1 * (i2t == "w2") + noise(prompt, i2t)


def test_wording_alone_names_no_winner_where_facts_are_counted():
    found = summarise_frame(battle(lambda *_: 1.0, worded))
    answer = found.answers[1]
    assert (found.primary.name, answer.measure, answer.significant) == ("recall", "recall", False)
    assert answer.answer.startswith("No difference: w1 and w2 have the same score (100 %")
    assert "They keep everything, so that these prompts cannot distinguish them." in answer.answer
    assert "keeps most" not in answer.answer
    assert "All models keep everything at easy, medium and hard." in answer.answer


def test_facts_and_distance_that_disagree_are_both_named():
    found = summarise_frame(battle(lambda t, i, p: 0.9 - 0.2 * (i == "w1") + noise(p, t, i), worded))
    answer = found.answers[1]
    assert answer.significant and answer.answer.startswith("w2 keeps most facts (90 %")
    assert "By distance w1 is nearest (cosine distance 0.20" in answer.answer
    assert "the measures disagree, and facts answer" in answer.answer
    assert "disagree" not in summarise_frame(battle(lambda t, i, p: 0.9 - 0.2 * (i == "w2"), worded)).answers[1].answer


def test_every_comparison_uses_the_measure_of_the_answer():
    found = summarise_frame(battle(lambda t, i, p: 0.9 - 0.2 * (i == "w1") + noise(p, t, i), worded))
    assert found.leaderboards[0].measure.name == "recall"
    assert found.leaderboard("i2t").overall["i2t_model"].tolist() == ["w2", "w1"]
    assert found.leaderboard("i2t", "distance").overall["i2t_model"].tolist() == ["w1", "w2"]
    (row,) = found.pairwise_differences["i2t"].query("level == 'all'").to_dict("records")
    assert row["difference"] == pytest.approx(-0.2, abs=0.01)
    assert found.bradley_terry["i2t"].query("level == 'all'")["model"].iloc[0] == "w2"
    gain = found.swap_gains["i2t"]
    assert gain is not None and (gain.best, gain.worst) == ("w2", "w1")
    assert (-gain.high, -gain.low) == (row["low_adjusted"], row["high_adjusted"])  # the rows are w1 minus w2
    assert "share of the prompt's facts" in found.answers[2].answer


def test_levels_at_the_ceiling_and_ties_are_named_as_such():
    def facts(t2i, i2t, prompt):
        level = PROMPTS[prompt]
        return 1.0 if level == "easy" else 0.8 if level == "medium" else 0.7 + 0.2 * (i2t == "w2")

    answer = summarise_frame(battle(facts, worded)).answers[1].answer
    assert "Best mean by level: hard w2." in answer
    assert "All models keep everything at easy. All models are equal at medium." in answer


def test_a_tie_between_the_best_is_no_answer():
    made = battle(lambda t, i, p: 0.9 if i != "w3" else 0.5, worded)
    third = made[made["i2t_model"] == "w2"].assign(i2t_model="w3", facts_recall=0.5)
    third["game"] += " third"
    answer = summarise_frame(pd.concat([made, third], ignore_index=True)).answers[1]
    assert not answer.significant
    assert answer.answer.startswith("No single one: w1 and w2 are equal (90 %")


def test_a_distance_without_calibration_never_keeps_most():
    found = summarise_frame(battle(None, worded))
    answer = found.answers[1]
    assert (answer.measure, answer.significant) == ("distance", True)
    assert answer.answer.startswith("w1 is nearest to the prompt in wording and meaning (cosine distance 0.20")
    assert "cannot be determined from distances that are not calibrated" in answer.answer
    assert "keeps most" not in answer.answer


def test_a_calibrated_similarity_answers_where_facts_are_not_counted():
    found = summarise_frame(battle(None, worded, lambda t, i, p: 1.0))
    assert found.answers[1].answer.startswith(
        "No difference: w1 and w2 have the same score (calibrated similarity 1.00"
    )
    lost = summarise_frame(battle(None, worded, lambda t, i, p: 0.9 - 0.3 * (i == "w2") + noise(p, t, i)))
    assert lost.answers[1].answer.startswith("w1 keeps most of the meaning (calibrated similarity 0.90")


@pytest.mark.parametrize(("line", "named"), [(0.1, True), (0.4, False)])
def test_a_model_that_is_not_worse_than_a_rewording_has_lost_nothing_measurable(line, named):
    made = battle(None, worded).assign(control="")
    control = made[(made["t2i_model"] == "d1") & (made["i2t_model"] == "w1")].assign(
        t2i_model="carbon", i2t_model="paraphrase", control="paraphrase"
    )
    control["game"] += " control"
    control["text_after_dist"] = [line + noise(prompt, "line") for prompt in control["prompt_id"]]
    answer = summarise_frame(pd.concat([made, control], ignore_index=True)).answers[1]
    assert answer.significant == named
    assert ("lost nothing that this measure can detect" in answer.answer) != named


def test_mixed_prompts_say_which_of_them_each_answer_covers():
    counted = {"p00", "p01", "p02", "p03", "p04", "p05", "p06", "p07"}
    found = summarise_frame(battle(lambda t, i, p: 0.9 - 0.3 * (i == "w1") if p in counted else np.nan, worded))
    answer = found.answers[1].answer
    assert found.primary.name == "distance"
    assert "This covers all 12 prompts. On the 8 whose facts are counted, w2 keeps most (90 % " in answer


def test_the_measure_is_chosen_by_what_covers_the_prompts():
    half = {"p00", "p01"}
    some = battle(lambda t, i, p: 1.0 if p in half else np.nan, worded)
    chosen = choose_measure(game_scores(some))
    assert (chosen.measure, chosen.prompts, chosen.facts) == (MEASURES["distance"], 12, 2)
    assert choose_measure(game_scores(some.assign(text_after_dist=np.nan))).measure.name == "recall"
    assert choose_measure(game_scores(some.assign(text_after_similarity=1.0))).measure.name == "similarity"
    assert choose_measure(game_scores(some.assign(outcome="failed"))).measure.name == "distance"


def named_first(table):
    """Whether the second question is answered by a winner; only what it needs is computed."""
    games = game_scores(table)
    choice = choose_measure(games)
    boards = [leaderboard(games, "i2t", name) for name in (choice.measure.name, "distance")]
    return answer_questions(AnswerData(games, boards, VarianceShares(False, ""), choice))[0].significant


def test_no_wording_is_named_first_in_any_ten_prompts_and_a_true_loss_is():
    rng = np.random.default_rng(1)
    prompts = {f"p{at:02d}": ("easy", "medium", "hard", "impossible")[at % 4] for at in range(100)}
    kept = battle(lambda *_: 1.0, worded, prompts=prompts)
    lost = battle(lambda t, i, p: 1.0 - 0.2 * (i == "w2") + noise(p, t, i), worded, prompts=prompts)
    subsets = [rng.choice(list(prompts), 10, replace=False) for _ in range(40)]
    assert sum(named_first(kept[kept["prompt_id"].isin(own)]) for own in subsets) == 0
    assert sum(named_first(lost[lost["prompt_id"].isin(own)]) for own in subsets) == len(subsets)
