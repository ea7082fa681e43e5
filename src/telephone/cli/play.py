"""`telephone play`: a battle of all pairs of models over a set of prompts, from nothing to the leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.forecast import confirmation, forecast_json, forecast_lines, print_models
from telephone.cli.formatting import counted
from telephone.cli.options import (
    JUDGE,
    Budget,
    DryRun,
    EmbedderRef,
    InFlight,
    Json,
    Levels,
    NoReport,
    Retry,
    RosterName,
    Seed,
    UnknownCost,
    Yes,
)
from telephone.cli.output import echo, note, print_json
from telephone.cli.parsing import levels, refs
from telephone.cli.session import run_session

if TYPE_CHECKING:
    from telephone.pipeline import Event, PlannedRun
    from telephone.store import RunSpec

NAME = "play"


def command(
    t2i: Annotated[
        list[str] | None,
        typer.Option(
            "--t2i", metavar="REF", help="Text-to-image models (repeat it, or comma-separated).", show_default=False
        ),
    ] = None,
    i2t: Annotated[
        list[str] | None,
        typer.Option(
            "--i2t", metavar="REF", help="Image-to-text models (repeat it, or comma-separated).", show_default=False
        ),
    ] = None,
    roster: RosterName = None,
    stand_ins: Annotated[
        bool, typer.Option("--stand-ins", help="Replace models that can no longer be called by their stand-ins.")
    ] = False,
    prompts: Annotated[str, typer.Option("--prompts", metavar="NAME|FILE", help="A prompt set, or a file.")] = "pocket",
    level: Levels = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Turns of a game: an image and its description.")] = 10,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Games of each pair and prompt.")] = 1,
    seed: Seed = 0,
    controls: Annotated[
        bool,
        typer.Option("--controls", help="Also play control lines: paraphrase, re-encode, fixed, shuffled, oracle."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The run's folder; runs/NAME-HASH.", show_default=False),
    ] = None,
    embedder: EmbedderRef = JUDGE,
    retry_failed: Retry = False,
    no_report: NoReport = False,
    budget: Budget = None,
    allow_unknown_cost: UnknownCost = False,
    in_flight: InFlight = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Play a battle, judge it, print the leaderboard and write report.html.

    Without options it is the pocket battle: all models of the roster pocket (`telephone players --roster pocket`), ten
    prompts, ten turns. The same command again continues where it stopped. More turns, repeats, models or prompts are
    added to the run in the folder, and only the new games are played. It asks before calls that cost money.
    """
    from telephone import pipeline

    battle = pipeline.BattleConfig(
        t2i=refs(t2i) if t2i else None,
        i2t=refs(i2t) if i2t else None,
        roster=roster,
        stand_ins=stand_ins,
        prompts=prompts,
        levels=levels(level or ()),
        turns=turns,
        repeats=repeats,
        seed=seed,
        controls=controls,
    )
    options = pipeline.PlayOptions(refs([embedder]), not no_report, retry_failed, budget, allow_unknown_cost, in_flight)
    if dry_run:
        _print_plan(pipeline.forecast(battle, out, options), budget, json)
        return
    confirm = confirmation(yes)
    run_session(lambda progress: pipeline.play(battle, out, options, confirm=confirm, progress=progress), json, _opened)


def _opened(event: "Event") -> None:
    from telephone.pipeline import RunOpened

    if isinstance(event, RunOpened):
        note(f"{_size(event.spec)} in {event.folder}")


def _size(spec: "RunSpec") -> str:
    parts = [counted(len(spec.lines), "line"), counted(len(spec.prompts), "prompt")]
    if spec.repeats > 1:
        parts.append(f"{spec.repeats} repeats")
    games = len(spec.lines) * len(spec.prompts) * spec.repeats
    return f"{' x '.join(parts)} = {counted(games, 'game')} of {counted(spec.turns, 'turn')}"


def _print_plan(planned: "PlannedRun", budget: float | None, json: bool) -> None:
    spec, ahead = planned.spec, planned.forecast
    if json:
        print_json({
            "folder": str(planned.folder),
            "begun": planned.started,
            "lines": [{"t2i": t2i, "i2t": i2t} for t2i, i2t in spec.lines],
            "controls": [{"t2i": t2i, "i2t": i2t, "kind": kind} for t2i, i2t, kind in spec.controls],
            "prompts": [{"id": p.id, "level": p.level, "text": p.text} for p in spec.prompts],
            "turns": spec.turns,
            "repeats": spec.repeats,
            "seed": spec.seed,
            "games": planned.games,
            "games_left": ahead.games,
            **forecast_json(ahead),
        })  # fmt: skip
        return
    echo(_size(spec))
    marks = spec.control_lines
    for t2i, i2t in spec.lines:
        echo(f"  {t2i} draws, {i2t} describes" + (f" (control: {marks[t2i, i2t]})" if (t2i, i2t) in marks else ""))
    print_models(ahead)
    for line in forecast_lines(ahead, budget):
        echo(line)
    left = f": {counted(ahead.games, 'game')} of {planned.games:,} left" if planned.started else ""
    echo(f"{'Continues in' if planned.started else 'Would be written to'} {planned.folder}{left}")
