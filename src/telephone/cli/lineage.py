"""`telephone lineage`: the page of the DALL-E family; each operation is a sub-command with options of its own."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from telephone.cli.command_group import FAILED
from telephone.cli.formatting import clock, counted, visible
from telephone.cli.lineage_output import outcome_document
from telephone.cli.lineage_progress import watching_lineage
from telephone.cli.lineage_stop import stoppable
from telephone.cli.options import Json
from telephone.cli.output import echo, print_error, print_json
from telephone.core.file_names import shell_word

NAME = "lineage"

LineageFolder = Annotated[
    Path | None,
    typer.Option(
        "--run", metavar="FOLDER", help="The run that keeps the calls; runs/lineage if left out.", show_default=False
    ),
]
LineageBudget = Annotated[
    float | None,
    typer.Option(
        "--budget", min=0, metavar="DOLLARS", help="Stop before the calls of the run cost more.", show_default=False
    ),
]


class OperationGroup(TyperGroup):
    """The operations as sub-commands; a module is imported when its command is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of the operations, in the order of the page."""
        from telephone.lineage.all_operations import available

        return list(available())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns the command of an operation; None if there is none of this name."""
        from telephone.cli.operation_command import operation_command
        from telephone.lineage.all_operations import available

        return operation_command(cmd_name) if cmd_name in available() else None


app = typer.Typer(cls=OperationGroup, rich_markup_mode="markdown", add_completion=False)


@app.callback(invoke_without_command=True)
def command(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The page; lineage.html in the run if left out.", show_default=False
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAMES", help="Only these operations (repeat it, or comma-separated)."),
    ] = None,
    run: LineageFolder = None,
    budget: LineageBudget = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: Json = False,
) -> None:
    """Run every operation of the DALL-E family, with a verdict on each paper's claim, as one HTML page.

    The same command again makes no call of a model again. Each operation is a command of its own:
    `telephone lineage vary --help`.
    """
    if context.invoked_subcommand is not None:
        return
    from telephone import pipeline

    names = [name.strip() for text in only or () for name in text.split(",") if name.strip()]
    with (
        stoppable(f"telephone lineage{'' if run is None else f' --run {shell_word(run)}'}"),
        watching_lineage() as watch,
    ):
        page = pipeline.lineage_page(run, out, names, progress=watch, budget=budget)
    if json:
        rows = [outcome_document(each) for each in page.outcomes]
        print_json({"page": str(page.path), "run": str(page.folder), "seconds": page.seconds, "operations": rows})
    else:
        for each in page.outcomes:
            verdict, reason = (
                ("failed", each.error) if each.result is None else (each.result.verdict, each.result.reason)
            )
            echo(f"{each.operation.name:12} {verdict:21} {visible(reason)}")
        echo(f"{counted(len(page.outcomes), 'operation')} in {clock(page.seconds)}: {page.path}")
    if open_page:
        typer.launch(str(page.path.resolve()))
    for each in page.failed:
        print_error(f"{each.operation.name}: {each.error}")
    if page.failed:
        raise typer.Exit(FAILED)
