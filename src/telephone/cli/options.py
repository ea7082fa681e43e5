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
JUDGE = "minilm/all-MiniLM-L6-v2"
