"""Two wordings of the exact reader keep every fact of the pocket world: nothing that is measured may prefer one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from telephone import pipeline
from telephone.analysis import VarianceShares, leaderboard
from telephone.analysis.inference.question_answers import AnswerData, QuestionAnswer, answer_questions
from telephone.analysis.tables.measure_choice import choose_measure
from telephone.analysis.tables.score_frames import game_scores, scored_frame
from telephone.store import Run

SUBSETS = 25


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """One turn of the lossless pair over the hundred prompts, described plainly and as a list."""
    folder: Path = tmp_path_factory.mktemp("wordings") / "run"
    readers = ("oracle/reader?wording=plain", "oracle/reader?wording=list")
    battle = pipeline.BattleConfig(t2i=("oracle/renderer",), i2t=readers, prompts="pocket-100", turns=1)
    pipeline.play(battle, folder, pipeline.PlayOptions(report=False))
    with Run.open(folder) as run:
        return scored_frame(run)


def answer(table: pd.DataFrame) -> QuestionAnswer:
    games = game_scores(table)
    choice = choose_measure(games)
    boards = [leaderboard(games, "i2t", name) for name in dict.fromkeys((choice.measure.name, "distance"))]
    return answer_questions(AnswerData(games, boards, VarianceShares(False, ""), choice))[0]


def subsets(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    rng = np.random.default_rng(0)
    prompts = table["prompt_id"].unique()
    for _ in range(SUBSETS):
        yield table[table["prompt_id"].isin(rng.choice(prompts, 10, replace=False))]


@pytest.mark.slow
def test_a_wording_is_never_said_to_keep_more(frame: pd.DataFrame) -> None:
    uncounted = frame.assign(facts_recall=np.nan)
    assert uncounted["text_after_similarity"].notna().all()
    for table, measure in ((frame, "recall"), (uncounted, "similarity")):
        found = [answer(table), *map(answer, subsets(table))]
        assert {each.measure for each in found} == {measure}
        assert not any(each.significant for each in found)
    by_distance = answer(uncounted.assign(text_after_similarity=np.nan))
    assert "nearest to the prompt in wording and meaning" in by_distance.answer  # the distance alone prefers a wording
    assert "keeps most" not in by_distance.answer
