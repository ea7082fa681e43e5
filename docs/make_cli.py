"""Writes docs/cli.md from the command line itself: `python docs/make_cli.py`; a test fails if the two differ."""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from typer.models import ArgumentInfo, OptionInfo

from telephone.cli import app, lineage, search
from telephone.cli.command_group import SECTIONS
from telephone.cli.operation_command import operation_function
from telephone.lineage.all_operations import available

PAGE = Path(__file__).parent / "cli.md"
HEAD = """\
# The command `telephone`

This page is made by `python docs/make_cli.py` from the command itself.

Exit codes: 0 done; 1 some games failed, or a run is damaged; 2 wrong use; 130 stopped by Ctrl-C; 143
stopped by SIGTERM.
Results go to stdout, progress and errors to stderr. `telephone --debug COMMAND …` shows the traceback of an error.

Each command that plays, judges or reads runs is a function of `telephone.pipeline` with the same defaults.

The environment: `TELEPHONE_RUNS` is where new runs are written (`runs`), `TELEPHONE_WEIGHTS` a folder with weights to
use in place of the shipped ones, `TELEPHONE_THREADS` the number of threads of a local model (without it the pocket
image-to-text models use all cores, the others one), `TELEPHONE_CACHE` a folder for files that can be made again.
"""


@dataclass(frozen=True)
class Parameter:
    """An argument or an option of a command."""

    name: str
    info: Any
    """Typer's `ArgumentInfo` or `OptionInfo`."""
    kind: Any
    """The type of its value, without None."""
    default: Any

    @property
    def value(self) -> str:
        """The placeholder of its value."""
        if self.info.metavar or self.kind is bool:
            return self.info.metavar or ""
        choices = [each for each in typing.get_args(self.kind) if isinstance(each, str)]
        return "|".join(choices) if choices else {int: "NUMBER", float: "NUMBER"}.get(self.kind, "WORD")

    @property
    def spelling(self) -> str:
        """How it is written."""
        # Beside Annotated, the first spelling sits where the default would be.
        names = [each for each in (self.info.default, *(self.info.param_decls or ())) if isinstance(each, str)]
        written = self.value if isinstance(self.info, ArgumentInfo) else f"{', '.join(names)} {self.value}"
        return written.strip()

    @property
    def row(self) -> str:
        """Its row in a table; a bar would end the cell."""
        given = isinstance(self.info, OptionInfo) and self.info.show_default and self.kind is not bool
        value = ", ".join(map(str, self.default)) if isinstance(self.default, list) else self.default
        default = f" Default: `{value}`." if given and value is not None else ""
        return f"| `{self.spelling}`".replace("|", "\\|").replace("\\|", "|", 1) + f" | {self.info.help}{default} |"


def page() -> str:
    """Returns the whole page."""
    commands = {command.name: command.callback for command in app.registered_commands}
    commands |= {"lineage": lineage.command, "search": search.command}
    parts = [HEAD]
    for section, names in SECTIONS.items():
        parts.append(f"## {section}\n")
        for name in names:
            parts.append(describe(name, commands[name]))
            parts += [describe(f"{name} {sub}", function, "####") for sub, function in subcommands(name).items()]
    return "\n".join(parts)


def subcommands(name: str) -> dict[str, Callable[..., Any]]:
    """Returns the sub-commands of a command by name; empty if it has none."""
    if name == "lineage":
        return {each: operation_function(each) for each in available()}
    return dict(search.COMMANDS) if name == "search" else {}


def describe(name: str, command: Callable[..., Any], heading: str = "###") -> str:
    """Returns a command's part of the page."""
    words = words_of(command)
    arguments = [word.spelling for word in words if isinstance(word.info, ArgumentInfo)]
    usage = " ".join(["telephone", name, *arguments, "[OPTIONS]"])
    lines = [
        f"{heading} {name}",
        "",
        f"    {usage}",
        "",
        inspect.cleandoc(command.__doc__ or ""),
        "",
        "| | |",
        "|---|---|",
    ]
    return "\n".join([*lines, *(word.row for word in words)]) + "\n"


def words_of(command: Callable[..., Any]) -> list[Parameter]:
    """Returns the arguments and options of a command, in their order."""
    hints = typing.get_type_hints(command, include_extras=True)
    words = []
    for name, parameter in inspect.signature(command).parameters.items():
        if typing.get_origin(hints[name]) is not typing.Annotated:
            continue  # typer's own context
        kind, info = typing.get_args(hints[name])
        plain = [each for each in typing.get_args(kind) if each is not NoneType]
        words.append(Parameter(name, info, plain[0] if NoneType in typing.get_args(kind) else kind, parameter.default))
    return words


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
