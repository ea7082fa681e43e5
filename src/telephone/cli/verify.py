"""`telephone verify`: whether a run on disk is what was written, every byte hashed again."""

from typing import TYPE_CHECKING

import typer

from telephone.cli.command_group import FAILED
from telephone.cli.formatting import counted, visible
from telephone.cli.options import Folder, Json
from telephone.cli.output import echo, print_json

if TYPE_CHECKING:
    from telephone.pipeline import VerifyResult

NAME = "verify"


def command(folder: Folder, json: Json = False) -> None:
    """Read a run back, hash everything again and check that every game follows its rules."""
    from telephone import pipeline

    result = pipeline.verify(folder)
    if json:
        found = [{"where": each.where, "what": each.what, "grave": each.grave} for each in result.problems]
        print_json({"folder": str(folder), "ok": result.ok, "problems": found})
    else:
        for problem in result.problems:
            echo(f"{'damaged ' if problem.grave else 'harmless'}  {visible(f'{problem.where}: {problem.what}')}")
        echo(_verdict(result))
    if not result.ok:
        raise typer.Exit(FAILED)


def _verdict(result: "VerifyResult") -> str:
    if not result.ok:
        problems = counted(len(result.damage), "problem")
        return f"{result.folder} is damaged: {problems}. Restore it from a copy, or play it again in another folder."
    return f"{result.folder} is intact: every image and every text is what was written."
