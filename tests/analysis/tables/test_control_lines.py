"""What saving a picture alone costs, in a run of controls."""

from pathlib import Path

import pytest

from telephone import battle
from telephone.analysis import reencoding_drift
from telephone.core.errors import UsageError
from telephone.judge import collect_repeat_captions, score
from telephone.prompts import get
from telephone.store import ScorerKind


def test_a_picture_that_is_saved_again_moves_and_players_are_asked_nothing_about_it(tmp_path: Path) -> None:
    beside = [
        ("control/reencode?of=oracle/renderer", "control/scan", "reencode"),
        ("control/carbon", "control/fixed", "fixed"),
    ]
    lines = battle.grid(["fake/painter"], ["fake/captioner?loss=0.2"])
    with battle.begin(tmp_path / "run", battle.plan(lines, get("pocket")[:4], turns=3, controls=beside)) as run:
        assert battle.play(run).failed == 0
        assert len(reencoding_drift(run)) == 0
        score(run, "fake/embedder", full=True)
        found = reencoding_drift(run, "embedder")
        assert collect_repeat_captions(run, 2) == 2
        asked = [scorer.model for scorer in run.scorers(ScorerKind.REPEAT_CAPTION)]
        with pytest.raises(UsageError, match="No embedder"):
            reencoding_drift(run, "unknown")
    assert len(asked) == 1
    assert "captioner" in asked[0]
    assert set(found["turn"]) == {1, 2, 3}
    assert (found.loc[found["turn"] == 1, "mean"] == 0.0).all()
    assert (found.loc[found["turn"] > 1, "mean"] > 0.0).all()
    assert set(found["mapping"]) == {"image-image"}
