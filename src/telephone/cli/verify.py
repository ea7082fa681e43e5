"""`telephone verify`: whether a run on disk is what was written, every byte hashed again."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from telephone.cli.command_group import FAILED
from telephone.cli.options import Folder, Json
from telephone.cli.output import print_json, say, visible
from telephone.cli.parsing import counted

if TYPE_CHECKING:
    from telephone.store import Problem

NAME = "verify"


def command(folder: Folder, json: Json = False) -> None:
    """Read a run back, hash everything again and follow every chain."""
    problems = _problems(folder)
    grave = [problem for problem in problems if problem.grave]
    if json:
        found = [{"where": each.where, "what": each.what, "grave": each.grave} for each in problems]
        print_json({"folder": str(folder), "ok": not grave, "problems": found})
    else:
        for problem in problems:
            say(f"{'damaged ' if problem.grave else 'harmless'}  {visible(f'{problem.where}: {problem.what}')}")
        say(_verdict(folder, len(grave)))
    if grave:
        raise typer.Exit(FAILED)


def _problems(folder: Path) -> "list[Problem]":
    """A database that cannot even be opened is a finding of this command, not an error of it."""
    from telephone.core.errors import StoreDamaged
    from telephone.store import Problem, Run

    try:
        with Run.open(folder) as run:
            return run.verify()
    except StoreDamaged as error:
        return [Problem("run.sqlite", str(error))]


def _verdict(folder: Path, grave: int) -> str:
    if grave:
        return f"{folder} is damaged: {counted(grave, 'problem')}. Restore it from a copy, or play it anew elsewhere."
    return f"{folder} is whole: every picture and every text is what was written."
