"""`telephone play`: a battle of all pairs of models over a set of prompts, from nothing to the leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.dry_run import battle_size, print_dry_run
from telephone.cli.forecast import confirmation
from telephone.cli.options import (
    JUDGE,
    Budget,
    DryRun,
    EmbedderRef,
    InFlight,
    Json,
    Levels,
    NoiseName,
    NoReport,
    Retry,
    RosterName,
    Seed,
    UnknownCost,
    Yes,
)
from telephone.cli.output import note
from telephone.cli.parsing import levels, refs
from telephone.cli.session import run_session

if TYPE_CHECKING:
    from telephone.pipeline import Event

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
    prompts: Annotated[
        list[str] | None,
        typer.Option(
            "--prompts", metavar="NAME|FILE", help="A prompt set, or a file (repeat it); pocket.", show_default=False
        ),
    ] = None,
    level: Levels = None,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Turns of a game: an image and its description.")] = 10,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Games of each pair and prompt.")] = 1,
    seed: Seed = 0,
    noise: NoiseName = "fresh",
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
        prompts=tuple(prompts or ("pocket",)),
        levels=levels(level or ()),
        turns=turns,
        repeats=repeats,
        seed=seed,
        controls=controls,
        noise=noise,
    )
    options = pipeline.PlayOptions(refs([embedder]), not no_report, retry_failed, budget, allow_unknown_cost, in_flight)
    if dry_run:
        print_dry_run(pipeline.forecast(battle, out, options), budget, json)
        return
    confirm = confirmation(yes)
    run_session(lambda progress: pipeline.play(battle, out, options, confirm=confirm, progress=progress), json, _opened)


def _opened(event: "Event") -> None:
    from telephone.pipeline import RunOpened

    if isinstance(event, RunOpened):
        note(f"{battle_size(event.spec)} in {event.folder}")
