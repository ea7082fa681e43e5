"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.core.records import Noise

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A run's folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="The same seed gives the same result.")]
NoiseName = Annotated[
    Noise,
    typer.Option(
        "--noise",
        help="fresh: a seed of its own for every turn. fixed: one for all, so a text that returns stays.",
    ),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default=False)
]
Levels = Annotated[
    list[str] | None,
    typer.Option("--level", metavar="LEVEL", help="Only these levels (repeat it, or comma-separated)."),
]
EmbedderRef = Annotated[
    str, typer.Option("--embedder", metavar="REF", help="The embedder that measures the distance to the prompt.")
]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Also continue games that failed or were refused.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report.html.")]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget", min=0, metavar="DOLLARS", help="Stop before the run as a whole costs more.", show_default=False
    ),
]
UnknownCost = Annotated[
    bool, typer.Option("--allow-unknown-cost", help="Play under a budget although the price of a model is unknown.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Confirm the cost without a question.")]
InFlight = Annotated[
    int | None,
    typer.Option(
        "--in-flight", min=1, metavar="N", help="At most so many calls to one service at a time.", show_default=False
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only report what would be played, and what it takes.")]
RosterName = Annotated[
    str | None,
    typer.Option(
        "--roster", metavar="NAME|FILE", help="Models of a roster: see telephone players.", show_default=False
    ),
]
JUDGE = "use/multilingual"
