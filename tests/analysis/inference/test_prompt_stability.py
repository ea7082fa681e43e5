"""The first place without single prompts, worked out by hand."""

import numpy as np
import pytest
from analysis_frames import frame, levels

from telephone.analysis import game_scores, prompt_stability
from telephone.core.errors import UsageError

LEADS = {"p00": 0.5, "p01": -0.1, "p02": -0.1, "p03": -0.1}
"""By how much `d1` is better than `d2` on each prompt: first by 0.05 on average, and by the first prompt alone."""


def test_one_prompt_decides() -> None:
    games = game_scores(frame(lambda d, w, p, _: 0.6 + (LEADS[p] if d == "d2" else 0.0), levels(4)))
    found = prompt_stability(games, "t2i")
    assert (found.first, found.prompts, found.share) == ("d1", 4, 0.75)
    assert found.flips.to_dict("records") == [
        {"prompt_id": "p00", "level": "easy", "first": "d2", "lead": pytest.approx(0.5)}
    ]


def test_more_facts_are_better_and_pairs_have_both_names() -> None:
    games = game_scores(frame(lambda d, w, p, _: 0.6 + (LEADS[p] if d == "d2" else 0.0), levels(4)))
    found = prompt_stability(games, "pair", "recall")
    assert found.first == "d1 + w1"
    assert found.flips["first"].tolist() == ["d2 + w1"]
    assert found.flips["lead"].tolist() == pytest.approx([0.25])


def test_a_clear_first_model_stays_first() -> None:
    games = game_scores(frame(lambda d, w, p, _: {"d1": 0.4, "d2": 0.2}[d], levels(5)))
    found = prompt_stability(games, "t2i")
    assert (found.first, found.share, len(found.flips)) == ("d2", 1.0, 0)


def test_too_little_for_stability() -> None:
    single = prompt_stability(game_scores(frame(lambda *_: 0.5, levels(1))), "t2i")
    assert single.first == "d1"
    assert np.isnan(single.share)
    lonely = prompt_stability(game_scores(frame(lambda *_: 0.5, levels(4), t2i=["d1"])), "t2i")
    assert np.isnan(lonely.share)
    nothing = prompt_stability(game_scores(frame(lambda *_: float("nan"), levels(4))), "t2i")
    assert (nothing.first, nothing.prompts) == ("", 0)
    with pytest.raises(UsageError, match="no measure"):
        prompt_stability(game_scores(frame(lambda *_: 0.5, levels(2))), "t2i", "beauty")
