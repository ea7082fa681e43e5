"""Battles from Python: typed results, events, confirmation, and how often tables are made."""

import threading
from collections import Counter
from dataclasses import replace

import pytest

import telephone
from telephone import pipeline
from telephone.battle import HopDone, Started
from telephone.core.errors import ModelError, UsageError
from telephone.store import Run

BATTLE = pipeline.BattleConfig(("fake/painter",), ("fake/captioner?loss=0.1",), levels=("easy",), turns=2)
OPTIONS = pipeline.PlayOptions(("fake/embedder",), report=False)


def test_a_battle_is_played_judged_and_reported(tmp_path, capsys):
    events = []
    result = telephone.play(BATTLE, tmp_path / "run", pipeline.PlayOptions(("fake/embedder",)), progress=events.append)
    assert (result.run.games, result.run.done, result.complete, result.interrupted) == (3, 3, True, False)
    assert result.report == tmp_path / "run" / "report.html" and result.report.is_file()
    assert result.judging.identity.startswith("distance by fake/embedder")
    assert result.summary.counts.finished == 3
    assert isinstance(events[0], pipeline.ForecastReady) and events[0].forecast.cost == 0
    assert events[1] == pipeline.RunOpened(tmp_path / "run", events[1].spec)
    kinds = Counter(type(event) for event in events)
    assert (kinds[Started], kinds[HopDone]) == (1, 12) and kinds[pipeline.JudgeProgress] > 1
    assert capsys.readouterr() == ("", "")


def test_resume_continues_and_a_forecast_says_what_is_left(tmp_path):
    planned = pipeline.forecast(BATTLE, tmp_path / "run", OPTIONS)
    assert (planned.started, planned.games, planned.forecast.games) == (False, 3, 3)
    assert not (tmp_path / "run").exists()
    pipeline.play(BATTLE, tmp_path / "run", OPTIONS)
    again = pipeline.resume(tmp_path / "run", OPTIONS)
    assert (again.run.hops, again.run.done, again.report) == (0, 3, None)
    assert pipeline.forecast_resume(tmp_path / "run", OPTIONS).forecast.games == 0


def test_a_run_keeps_its_noise(tmp_path):
    fixed = replace(BATTLE, noise="fixed", turns=1)
    pipeline.play(fixed, tmp_path / "run", OPTIONS)
    longer = pipeline.play(replace(fixed, turns=2), tmp_path / "run", OPTIONS)
    assert longer.run.hops == 6
    for ask in (pipeline.play, pipeline.forecast):
        with pytest.raises(UsageError, match="has fixed noise, and fresh noise is requested"):
            ask(BATTLE, tmp_path / "run", OPTIONS)
    with Run.open(tmp_path / "run") as run:
        assert run.spec.noise == "fixed"
    assert pipeline.forecast(BATTLE).folder != pipeline.forecast(replace(BATTLE, noise="fixed")).folder
    assert BATTLE.noise == "fresh"
    with pytest.raises(UsageError, match="no noise 'none'"):
        replace(BATTLE, noise="none")


def test_one_table_and_one_summary_a_battle(tmp_path, monkeypatch):
    """Whatever is judged and reported, turns are read once, scores once, and the summary is computed once."""
    import telephone.analysis
    import telephone.analysis.run_summary
    import telephone.store.run

    counts: Counter[str] = Counter()

    def count(module, name):
        original = getattr(module, name)

        def counted(*args, **named):
            counts[name] += 1
            return original(*args, **named)

        monkeypatch.setattr(module, name, counted)

    count(telephone.store.run, "turns")
    count(telephone.store.run, "frame")
    count(telephone.analysis.run_summary, "summarise_frame")
    options = pipeline.PlayOptions(("fake/embedder",))
    battle = pipeline.BattleConfig(BATTLE.t2i, BATTLE.i2t, levels=("easy",), turns=2, controls=True)
    pipeline.play(battle, tmp_path / "run", options)
    assert counts == {"turns": 1, "frame": 1, "summarise_frame": 1}


def test_a_battle_that_costs_money_needs_a_confirmation(tmp_path, monkeypatch):
    monkeypatch.setattr("telephone.pipeline.costs.needs_confirmation", lambda forecast: True)
    seen = []
    with pytest.raises(pipeline.CostNotConfirmed, match="confirm="):
        pipeline.play(BATTLE, tmp_path / "run", OPTIONS)
    with pytest.raises(pipeline.CostNotConfirmed, match="was not confirmed"):
        pipeline.play(BATTLE, tmp_path / "run", OPTIONS, confirm=lambda forecast: bool(seen.append(forecast)))
    assert seen[0].calls == 12 and not (tmp_path / "run").exists()
    assert pipeline.play(BATTLE, tmp_path / "run", OPTIONS, confirm=lambda forecast: True).complete


def test_an_unknown_judge_is_an_error_before_the_games(tmp_path):
    with pytest.raises(UsageError, match="fake/embeder"):
        pipeline.play(BATTLE, tmp_path / "run", pipeline.PlayOptions(("fake/embeder",)))
    assert not (tmp_path / "run").exists()


def test_a_battle_plays_outside_of_the_main_thread(tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(pipeline.play(BATTLE, tmp_path / "run", OPTIONS)))
    thread.start()
    thread.join()
    assert found[0].complete


def test_single_calls(tmp_path):
    made = pipeline.generate_image("fake/painter", "A red boat.", tmp_path / "boat.png")
    assert (made.width, made.tokens_cut, made.path) == (64, 0, tmp_path / "boat.png")
    assert pipeline.describe_image("fake/captioner", made.path) == "A red boat."
    with pytest.raises(ModelError):
        pipeline.generate_image("fake/painter?refuse=1", "A red boat.", tmp_path / "boat.png")


def test_one_address_or_level_may_be_a_plain_string():
    single = pipeline.BattleConfig("fake/painter", "fake/captioner?loss=0.1", levels="easy", turns=2)
    assert single == BATTLE and single.spec().lines == BATTLE.spec().lines


def test_the_result_of_a_battle_prints_without_vectors(tmp_path):
    result = pipeline.play(BATTLE, tmp_path / "run")
    assert result.summary.text_space is not None
    assert "vectors=" not in repr(result)


def test_a_folder_in_place_of_the_battle_is_explained(tmp_path):
    with pytest.raises(UsageError, match="first argument is a BattleConfig and not str"):
        pipeline.play("runs/first")
