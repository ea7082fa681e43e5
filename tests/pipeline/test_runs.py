"""Finished runs from Python: judged, reported, verified, exported, compared, shown."""

import pandas as pd
import pytest

from telephone import pipeline
from telephone.core.errors import UsageError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a short run."""
    folder = tmp_path_factory.mktemp("pipeline") / "run"
    battle = pipeline.BattleConfig(("fake/sketcher",), ("fake/teller?drop=0.2",), levels=("easy",), turns=2)
    pipeline.play(battle, folder, pipeline.PlayOptions(("fake/embedder",), report=False))
    return folder


def test_judge_returns_tables(run):
    events = []
    result = pipeline.judge(run, pipeline.JudgeOptions(("fake/embedder",), 10, 2), progress=events.append)
    assert result.scored[0].judge == "distance by fake/embedder"
    assert result.questions and not result.missing
    assert len(result.omissions) and {"embedder", "turn"} <= set(result.retrieval.columns)
    assert {type(event) for event in events} == {pipeline.JudgeProgress}


def test_report_and_verify(run, tmp_path):
    made = pipeline.report(run, tmp_path / "page.html")
    assert made.path.stat().st_size > 10_000 and made.folder == run
    assert pipeline.verify(run).ok
    with pytest.raises(UsageError, match="There is no run"):
        pipeline.report(tmp_path)


def test_exports_are_typed(run, tmp_path):
    made = pipeline.export(run, output=tmp_path / "table.csv")
    assert isinstance(made, pipeline.TableExport) and made.rows == 6 == len(pd.read_csv(made.path))
    images = pipeline.export(run, "datasets", tmp_path / "images")
    assert isinstance(images, pipeline.ImageFolderExport) and images.left_out == 0
    drift = pipeline.export(run, "drift", tmp_path / "drift")
    assert isinstance(drift, pipeline.DriftExport) and (drift.games, drift.generations) == (3, 4)
    with pytest.raises(UsageError, match="'xlsx' is no format"):
        pipeline.export(run, "xlsx")


def test_games_of_a_run(run, tmp_path):
    found = pipeline.games(run)
    assert (found.planned, len(found.games)) == (3, 3)
    one = found.games[0]
    assert pipeline.find_game(run, one.name[:5]).game == one
    assert pipeline.games(run, prompt=one.prompt.upper()).games == (one,)
    films = pipeline.films(run, tmp_path, pipeline.FilmOptions(format="gif", only_grids=True))
    assert len(films.files) == 3 and all(path.is_file() for path in films.files)
    with pytest.raises(UsageError, match="There is no game 'zzzzzz'"):
        pipeline.find_game(run, "zzzzzz")


def test_comparisons(run):
    board = pipeline.leaderboard(run.parent)
    assert (board.games, board.runs) == (3, ("run",))
    with pytest.raises(UsageError):
        pipeline.compare([run])


def test_a_plan_with_models_has_a_forecast(run):
    battle = pipeline.BattleConfig(("fake/painter",), ("fake/captioner", "fake/captioner?loss=0.1"))
    size = pipeline.battle_size(pipeline.SizeQuestion(gap=0.2), battle)
    assert size.forecast is not None and size.forecast.cost == 0
    assert pipeline.battle_size(pipeline.SizeQuestion(models=(3, 4))).forecast is None
    assert pipeline.parse_size("3x4") == (3, 4)
