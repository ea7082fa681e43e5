"""`telephone judge`: scores a run by one or several embedders, and reports how far they agree."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.judge_tables import judge_json, print_judging
from telephone.cli.options import Folder, Json
from telephone.cli.output import print_json, print_warning
from telephone.cli.parsing import refs
from telephone.cli.progress import watching

NAME = "judge"


def command(
    folder: Folder,
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            "--embedder",
            metavar="REF",
            help="Embedders that measure distances (repeat it, or comma-separated); use/multilingual, and pocket/clip"
            " for prompts of the pocket world.",
            show_default=False,
        ),
    ] = None,
    ask: Annotated[
        int,
        typer.Option("--ask", min=0, metavar="N", help="Ask each image-to-text model up to N times about lost facts."),
    ] = 0,
    again: Annotated[
        int,
        typer.Option("--again", min=0, metavar="N", help="Describe up to N images a second time by each model."),
    ] = 0,
    opinion: Annotated[
        str | None,
        typer.Option(
            "--opinion",
            metavar="REF",
            help="A model that answers yes-or-no questions about prompts outside the pocket world.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        bool,
        typer.Option("--images", help="Also compare images with earlier ones by pixels and by objects."),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Measure what each embedder's distances mean, on known rewordings and losses."
        ),
    ] = False,
    votes: Annotated[
        str | None,
        typer.Option(
            "--votes",
            metavar="REF|FILE",
            help="Pairwise votes on last images: of a model that answers questions, or saved by a vote page (.json).",
            show_default=False,
        ),
    ] = None,
    vote_page: Annotated[
        Path | None,
        typer.Option("--vote-page", metavar="FILE", help="Write a page on which a person votes.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Judge a run: distances by several embedders, facts of texts and images, floors; scores that exist stay.

    Each text and image is embedded once for each embedder. The command then reports how similarly the judges order the
    models, how well each embedder follows the exact facts, and warns of scores that rise along a game. `--ask` and
    `--again` call the run's image-to-text models, `--opinion` any model that answers questions; remote ones cost money.
    `--calibrate` embeds about 4,000 sentences of the pocket world by each embedder; the judges of this package come
    with their calibration.
    """
    from telephone import pipeline

    options = pipeline.JudgeOptions(refs(embedder or ()), ask, again, opinion, images, calibrate, votes, vote_page)
    with watching() as watcher:
        result = pipeline.judge(folder, options, progress=watcher.event)
    if result.missing:
        print_warning(f"Not every model could be asked. {result.missing}")
    if json:
        print_json(judge_json(result))
    else:
        print_judging(result)
