"""A run without games beside battles: commands for battles say so, and the leaderboard leaves it out."""

from pathlib import Path

import pytest

from telephone import pipeline
from telephone.core.errors import UsageError
from telephone.lineage.context import LineageContext


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with LineageContext(tmp_path / "lineage") as context:
        context.draw("fake/painter", ["an apple"], [1])
    return tmp_path / "lineage"


@pytest.mark.parametrize(
    "call", [pipeline.games, pipeline.resume, pipeline.report, pipeline.judge, pipeline.forecast_resume]
)
def test_a_run_without_games_is_no_battle(folder: Path, call):
    with pytest.raises(UsageError, match="has no games: it holds calls such as those of `telephone lineage --run"):
        call(folder)


def test_it_is_verified_like_every_run_and_left_out_of_the_leaderboard(folder: Path, tmp_path: Path):
    assert pipeline.verify(folder).problems == ()
    with pytest.raises(UsageError, match="has games"):
        pipeline.leaderboard(tmp_path)
    battle = pipeline.BattleConfig(t2i=("fake/painter",), i2t=("fake/captioner",), levels=("easy",), turns=1)
    pipeline.play(battle, tmp_path / "battle", pipeline.PlayOptions(report=False))
    assert pipeline.leaderboard(tmp_path).runs == ("battle",)
