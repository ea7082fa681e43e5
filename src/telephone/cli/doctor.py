"""`telephone doctor`: what is installed, what is missing, and the command that installs it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.command_group import FAILED
from telephone.cli.options import Json
from telephone.cli.output import console, echo, plain, print_json, print_text

if TYPE_CHECKING:
    from telephone.doctor import Finding

NAME = "doctor"
MARKS = {"ok": ("✓", "green"), "lacks": ("✗", "red"), "gone": ("†", "yellow"), "note": ("·", "dim")}
PLAIN_MARKS = {"ok": "+", "lacks": "x", "gone": "!", "note": "-"}
"""For terminals that cannot show the others."""

WIDEST = 56
"""Characters of a line of a name; a longer one goes on in the next line."""


def command(json: Json = False) -> None:
    """Report what is installed, which devices, keys and weights there are, and what is missing.

    The exit code is 0 if the pocket battle can be played.
    """
    from telephone.doctor import examine, playable

    findings = examine()
    ready = playable(findings)
    if json:
        print_json({"playable": ready, "findings": [_as_json(finding) for finding in findings]})
    else:
        for section in dict.fromkeys(finding.section for finding in findings):
            _print(section, [finding for finding in findings if finding.section == section])
        echo("The pocket battle can be played: telephone play" if ready else _verdict(findings))
    if not ready:
        raise typer.Exit(FAILED)


def _as_json(finding: "Finding") -> dict[str, Any]:
    found = asdict(finding)
    return found | {"mend": found.pop("fix")}


def _print(section: str, findings: "list[Finding]") -> None:
    from rich.table import Table

    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold", max_width=WIDEST)
    made.add_column(overflow="fold")
    for finding in findings:
        made.add_row(_mark(finding.state), plain(finding.name), _detail(finding))
    print_text(f"[bold cyan]{section}[/bold cyan]")
    console().print(made)
    echo()


def _detail(finding: "Finding") -> str:
    """Returns what was found and, unless the sentence contains it, the command that fixes it."""
    detail = plain(finding.detail)
    if not finding.fix or finding.fix in finding.detail:
        return detail
    return f"{detail.rstrip('.')}{': ' if detail else ''}[bold]{plain(finding.fix)}[/bold]"


def _mark(state: str) -> str:
    mark, colour = MARKS[state]
    encoding = console().encoding or "ascii"
    try:
        mark.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        mark = PLAIN_MARKS[state]
    return f" [{colour}]{mark}[/{colour}]"


def _verdict(findings: "list[Finding]") -> str:
    lacks = ", ".join(finding.name for finding in findings if finding.needed and finding.state != "ok")
    return f"The pocket battle cannot be played yet; missing: {lacks}."
