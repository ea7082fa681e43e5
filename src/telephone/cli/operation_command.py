"""The command of one operation of the lineage: its options are the fields of the operation's options."""

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command_from_info
from typer.models import CommandInfo

from telephone.cli.command_group import Command
from telephone.cli.lineage_output import print_operation
from telephone.cli.lineage_progress import watching_lineage
from telephone.cli.lineage_stop import stoppable
from telephone.cli.options import Json

if TYPE_CHECKING:
    from telephone.lineage.operation import Operation

OUT = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Write the pictures: .png, .webp, .gif or .mp4 (a film), or .svg.",
        show_default=False,
    ),
]


def operation_command(name: str) -> Any:
    """Returns the command of an operation."""
    info = CommandInfo(name=name, cls=Command, callback=operation_function(name))
    return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode="markdown")


def operation_function(name: str) -> Callable[..., None]:
    """Returns a function whose parameters are the options of an operation, and that runs it and prints the result."""
    from telephone.cli.lineage import LineageBudget, LineageFolder
    from telephone.lineage.all_operations import load_operation

    operation = load_operation(name)

    def command(**given: Any) -> None:
        _run(operation, given)

    own = _parameters(operation)
    shared = [
        _parameter("out", OUT, None), _parameter("run", LineageFolder, None),
        _parameter("budget", LineageBudget, None), _parameter("json", Json, False),
    ]  # fmt: skip
    taken = {each.name for each in own}
    parameters = own + [each for each in shared if each.name not in taken]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__doc__ = f"{operation.title}.\n\n{operation.claim} ({operation.paper})"
    command.__name__ = name
    return command


def _run(operation: "Operation", given: dict[str, Any]) -> None:
    from telephone import pipeline

    out, run, budget, json = (given.pop(name) for name in ("out", "run", "budget", "json"))
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    options: Any = operation.options(**values)
    with stoppable("the same command"), watching_lineage() as watch:
        result = pipeline.lineage_operation(operation.name, options, run, progress=watch, budget=budget)
    written = None if out is None else pipeline.write_operation(result, out)
    print_operation(result, written, json)


def _parameters(operation: "Operation") -> list[inspect.Parameter]:
    from telephone.lineage.operation import default_of, field_docs

    hints, helps = typing.get_type_hints(operation.options), field_docs(operation.options)
    found = []
    for each in fields(operation.options):
        kind, default = hints[each.name], default_of(each)
        flag = f"--{each.name.replace('_', '-')}"
        if typing.get_origin(kind) is tuple:
            kind, default = list[typing.get_args(kind)[0]], list(default or ())  # type: ignore[misc]
        spelling = f"{flag}/--no-{flag[2:]}" if kind is bool and default else flag
        shown = default not in (None, "", [], Path()) and kind is not bool
        metavar = "FILE" if _is_path(kind) else None
        option = typer.Option(spelling, help=helps.get(each.name, ""), show_default=shown, metavar=metavar)
        found.append(_parameter(each.name, Annotated[kind, option], default))
    return found


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _is_path(kind: Any) -> bool:
    parts = (
        typing.get_args(kind)
        if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
        else (kind,)
    )
    return Path in parts
