"""Arguments and options that several commands share, each written once."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A run's folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else there.")]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="The same number gives the same result.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default=False)
]
Levels = Annotated[
    list[str] | None,
    typer.Option("--level", metavar="LEVEL", help="Only these levels (repeat it, or part them by commas)."),
]
EmbedderRef = Annotated[
    str, typer.Option("--embedder", metavar="REF", help="Whose sentence vectors measure the distance to the prompt.")
]
Retry = Annotated[bool, typer.Option("--retry-failed", help="Also take up games that failed or were refused.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report.html.")]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget", min=0, metavar="DOLLARS", help="Stop before all sittings together cost more.", show_default=False
    ),
]
UnknownCost = Annotated[
    bool, typer.Option("--allow-unknown-cost", help="Play under a budget although a price is not known.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Agree to the cost beforehand.")]
InFlight = Annotated[
    int | None,
    typer.Option(
        "--in-flight", min=1, metavar="N", help="At most so many calls to one service at a time.", show_default=False
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be played, and what it takes.")]
RosterName = Annotated[
    str | None,
    typer.Option(
        "--roster", metavar="NAME|FILE", help="Players from a list: see telephone players.", show_default=False
    ),
]
JUDGE = "minilm/all-MiniLM-L6-v2"
