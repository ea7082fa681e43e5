"""`telephone compare`: runs side by side, prompt by prompt, on what all of them played."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from telephone.cli.options import Json
from telephone.cli.output import echo, plain, print_json, print_text
from telephone.cli.tables import print_table, table

if TYPE_CHECKING:
    from telephone.analysis import RunComparison

NAME = "compare"

Measure = Annotated[
    Literal["distance", "similarity", "recall", "precision", "f1", "complete"] | None,
    typer.Option(
        "--measure",
        help="distance to the prompt, its calibrated similarity, the share of facts kept (recall) or true (precision),"
        " their F1, or the share of games that keep every fact (complete); if left out, recall where all runs count"
        " facts, else similarity, else distance.",
        show_default=False,
    ),
]
When = Annotated[
    Literal["final", "mean"], typer.Option("--when", help="After the last turn, or the mean over all turns.")
]
Judge = Annotated[
    str, typer.Option("--judge", metavar="NAME", help="Part of the name of the judge of distances; the first one.")
]


def command(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER FOLDER...", help="Folders of runs.", show_default=False)
    ],
    measure: Measure = None,
    when: When = "final",
    judge: Judge = "",
    json: Json = False,
) -> None:
    """Compare runs with the first one, level by level, with intervals: on common prompts, pairs and judge."""
    from telephone import pipeline

    found = pipeline.compare(folders, measure or "", when, judge)
    if json:
        print_json(_as_json(found))
        return
    _print(found)


def _as_json(found: "RunComparison") -> dict[str, Any]:
    return {
        "runs": found.runs,
        "measure": found.measure.name,
        "when": found.when,
        "judge": found.judge,
        "prompts": found.prompts,
        "left_out": found.left_out,
        "pairs": found.pairs,
        "notes": found.notes,
        "rows": found.table.to_dict("records"),
    } | {"measure_of": asdict(found.measure)["words"]}


def _print(found: "RunComparison") -> None:
    better = "less is better" if found.measure.low_is_best else "more is better"
    numbers = (found.runs[0], "run", "difference", "adjusted interval", "keeps more on", "prompts")
    for name in found.runs[1:]:
        made = table("level", *numbers, "", numbers=numbers, names=("level", ""))
        made.columns[1].header, made.columns[2].header = plain(found.runs[0]), plain(name)
        made.title = f"{plain(name)} against {plain(found.runs[0])}  [not bold dim]{found.measure.words}, {better}[/]"
        for row in found.table[found.table["run"] == name].to_dict("records"):
            known = row["low"] == row["low"]
            made.add_row(
                row["level"], _number(row["base_mean"]), _number(row["mean"]), f"{row['difference']:+.3f}",
                f"{row['low']:+.3f} to {row['high']:+.3f}" if known else "–", f"{row['better']:.0%}", str(row["n"]),
                _verdict(row, found.measure.low_is_best),
            )  # fmt: skip
        print_table(made)
        echo()
    if found.pairs:
        echo("Pairs that all runs played: " + ", ".join(f"{t2i} + {i2t}" for t2i, i2t in found.pairs))
    for note in found.notes:
        print_text(f"[yellow]Note:[/] {plain(note)}")


def _verdict(row: dict[Any, Any], low_is_best: bool) -> str:
    if not row["told"]:
        return "[dim]not distinguishable[/]"
    return "[green]keeps more[/]" if (row["difference"] < 0) == low_is_best else "[red]keeps less[/]"


def _number(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"
