"""Plays a battle or continues one: games, scores, summary and report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from telephone import battle as battles
from telephone.core.errors import UsageError, WeightsError
from telephone.judge import DEFAULT_EMBEDDER, Scored, default_embedders, score
from telephone.models import embedder as load_embedder
from telephone.pipeline.battle_config import BattleConfig, default_folder, existing_run
from telephone.pipeline.battles import open_battle
from telephone.pipeline.costs import Confirm, check_costs
from telephone.pipeline.options import PlayOptions
from telephone.pipeline.results import (
    DistanceJudging,
    ForecastReady,
    JudgeProgress,
    PlannedRun,
    PlayResult,
    Progress,
    RunOpened,
    ignore,
)
from telephone.store import Run, RunSpec

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_BATTLE = BattleConfig()
DEFAULT_OPTIONS = PlayOptions()


def forecast(
    battle: BattleConfig = DEFAULT_BATTLE, folder: str | Path | None = None, options: PlayOptions = DEFAULT_OPTIONS
) -> PlannedRun:
    """Returns what `play` with the same arguments would do; nothing is called or written.

    Args:
        battle: what is to be played.
        folder: the run's folder; None is one under the setting `TELEPHONE_RUNS`.
        options: budget, limits and what is retried.

    Raises:
        UsageError: a model or a number is wrong, or the folder holds another run.
        StoreError: the run in the folder cannot be read.
    """
    _check_battle(battle)
    _check_embedders(options)
    spec = battle.spec()
    return _planned(Path(folder) if folder is not None else default_folder(battle.stem, spec), spec, options)


def forecast_resume(folder: str | Path, options: PlayOptions = DEFAULT_OPTIONS) -> PlannedRun:
    """Returns what `resume` with the same arguments would do; nothing is called or written.

    Raises:
        UsageError: there is no run in the folder.
        StoreError: the run cannot be read.
    """
    _check_embedders(options)
    with open_battle(folder) as run:
        return _left(run, run.spec, options)


def play(
    battle: BattleConfig = DEFAULT_BATTLE,
    folder: str | Path | None = None,
    options: PlayOptions = DEFAULT_OPTIONS,
    *,
    confirm: Confirm | None = None,
    progress: Progress = ignore,
) -> PlayResult:
    """Plays a battle, judges it and writes its report; called again, it continues where it stopped.

    More turns, repeats, models or prompts are added to the run in the folder, and only the new games are played.

    Args:
        battle: what is to be played; without arguments the pocket battle.
        folder: the run's folder; None is one under the setting `TELEPHONE_RUNS`.
        options: judges, report, budget and limits.
        confirm: called with the forecast if the calls cost more than `TELEPHONE_ASK_ABOVE` US dollars or an unknown
            sum; returns whether to play.
        progress: called with each event.

    Raises:
        UsageError: a model or a number is wrong, or the folder holds another run.
        CostNotConfirmed: the battle costs money, and `confirm` is None or returned False.
        StoreError: the folder cannot be written, or another process plays the run.
        WeightsError: the weights of a model are missing.
    """
    _check_battle(battle)
    _check_embedders(options)
    spec = battle.spec()
    target = Path(folder) if folder is not None else default_folder(battle.stem, spec)
    planned = _planned(target, spec, options)
    progress(ForecastReady(planned.forecast, options.budget))
    check_costs(planned.forecast, options, confirm)
    with battles.begin(target, spec) as run:
        return _play(run, options, progress)


def resume(
    folder: str | Path,
    options: PlayOptions = DEFAULT_OPTIONS,
    *,
    confirm: Confirm | None = None,
    progress: Progress = ignore,
) -> PlayResult:
    """Continues the run in a folder, judges it and writes its report; no finished call is made again.

    Args:
        folder: the run's folder.
        options: judges, report, budget and limits.
        confirm: as for `play`.
        progress: called with each event.

    Raises:
        UsageError: there is no run in the folder, or a model is not the one with which the run started.
        CostNotConfirmed: the rest costs money, and `confirm` is None or returned False.
        StoreError: the run cannot be read or written, or another process plays it.
        WeightsError: the weights of a model are missing.
    """
    _check_embedders(options)
    with open_battle(folder) as run:
        ahead = _left(run, run.spec, options).forecast
        progress(ForecastReady(ahead, options.budget))
        check_costs(ahead, options, confirm)
        return _play(run, options, progress)


def _check_battle(battle: object) -> None:
    if not isinstance(battle, BattleConfig):
        raise UsageError(
            f"The first argument is a BattleConfig and not {type(battle).__name__}: give BattleConfig(t2i=..., i2t=...)"
            " and the folder as the second argument."
        )


def _check_embedders(options: PlayOptions) -> None:
    """An unknown judge is an error before the games, not after them."""
    for ref in options.embedders or (DEFAULT_EMBEDDER,):
        load_embedder(ref)


def _planned(folder: Path, spec: RunSpec, options: PlayOptions) -> PlannedRun:
    before = existing_run(folder, spec)
    if before is None:
        ahead = battles.forecast(spec, limits=options.limits(), near=folder.parent)
        return PlannedRun(folder, spec, False, ahead)
    with before:
        return _left(before, before.spec.grown(spec), options)


def _left(run: Run, spec: RunSpec, options: PlayOptions) -> PlannedRun:
    near = run.folder.absolute().parent
    ahead = battles.forecast(spec, run, limits=options.limits(), near=near, retry_failed=options.retry_failed)
    return PlannedRun(run.folder, spec, True, ahead)


def _play(run: Run, options: PlayOptions, progress: Progress) -> PlayResult:
    """Plays, judges, sums up and reports; the table of turns and the summary are made once."""
    from telephone.analysis import summarise
    from telephone.report import write_report

    progress(RunOpened(run.folder, run.spec))
    played = battles.play(
        run,
        progress=progress,
        retry_failed=options.retry_failed,
        limits=options.limits(),
        budget=options.budget,
    )
    if played.interrupted:
        return PlayResult(run.folder, played, DistanceJudging(), None, None)
    turns = run.turns()
    judging = judge_distances(run, options.embedders, turns, judge_callback(progress))
    found = summarise(run, judging.identity, run.frame(turns))
    report = write_report(run, distance_judge=judging.identity, summary=found) if options.report else None
    return PlayResult(run.folder, played, judging, found, report)


def judge_callback(progress: Progress) -> Callable[[str, int, int], None]:
    """Returns the callback of a judge that passes its progress on as events."""
    return lambda name, done, total: progress(JudgeProgress(name, done, total))


def judge_distances(
    run: Run, embedders: tuple[str, ...], turns: pd.DataFrame, progress: Callable[[str, int, int], None]
) -> DistanceJudging:
    """Scores what has no score yet: distances by the embedders, then facts.

    Weights that are not installed leave the distances out; facts need no weights.
    """
    chosen = default_embedders(run) if embedders in ((), (DEFAULT_EMBEDDER,)) else embedders
    scored: list[Scored] = []
    first, missing = None, ""
    for ref in chosen:
        try:
            made = score(run, ref, facts=False, progress=progress, full=True, turns=turns)
        except WeightsError as error:
            missing = missing or str(error)
        else:
            scored += made
            distances = [each.identity for each in made if each.judge.startswith("distance") and each.cases]
            first = first or next(iter(distances), None)
    scored += score(run, None, progress=progress, full=True, turns=turns)
    return DistanceJudging(tuple(scored), None if missing else first, missing)
