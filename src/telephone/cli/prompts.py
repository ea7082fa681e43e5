"""`telephone prompts`: the prompt sets of the package, and the prompts of a set or a file."""

from typing import TYPE_CHECKING, Annotated

import typer

from telephone.cli.options import Json
from telephone.cli.output import echo, plain, print_json
from telephone.cli.tables import print_table, table

if TYPE_CHECKING:
    from telephone.core.records import Prompt

NAME = "prompts"


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|FILE]", help="A set, a set with a level (pocket:easy), or a file.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the prompt sets, or the prompts of a set or a file; a file is checked line by line."""
    from telephone.prompts import SETS, get

    if name is not None:
        _prompts(name, get(name), json)
    elif json:
        print_json({"sets": [{"name": each.name, "size": each.size, "summary": each.summary} for each in SETS]})
    else:
        made = table("set", "prompts", "what it is", title="Prompt sets", numbers=("prompts",), names=("set",))
        for each in SETS:
            made.add_row(f"[bold]{each.name}[/bold]", str(each.size), each.summary)
        print_table(made)
        echo("Files work too (.txt, .csv, .tsv, .jsonl, .json): telephone play --prompts mine.txt")


def _prompts(name: str, prompts: "list[Prompt]", json: bool) -> None:
    if json:
        keys = ("id", "level", "first", "text", "source")
        print_json({"name": name, "prompts": [{key: getattr(each, key) for key in keys} for each in prompts]})
        return
    made = table("level", "id", "prompt", names=("level", "id"))
    for each in prompts:
        text = each.text if each.first == "text" else f"(image) {each.text}"
        made.add_row(each.level, plain(each.id), plain(text))
    print_table(made, lead=2)
