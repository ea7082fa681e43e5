"""`telephone players`: the models that can be called in this installation."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from telephone.cli.formatting import visible
from telephone.cli.options import Json, RosterName
from telephone.cli.output import echo, print_json, print_warning
from telephone.cli.tables import print_table, table

if TYPE_CHECKING:
    from telephone.models.rosters import RosterEntry

NAME = "players"

KINDS = {
    "text2image": "Text-to-image models",
    "image2text": "Image-to-text models",
    "image_editor": "Image editors",
    "embedder": "Embedders",
}


def command(
    kind: Annotated[
        Literal["text2image", "image2text", "image_editor", "embedder"] | None,
        typer.Option("--kind", help="Only this kind.", show_default=False),
    ] = None,
    roster: RosterName = None,
    json: Json = False,
) -> None:
    """List the models that can be called here, with the options of each; or the models of a roster."""
    from telephone.models import list_models, problems

    if roster is not None:
        _roster(roster, kind, json)
        return

    cards = [card for card in list_models() if kind in (None, card.kind)]
    broken = problems()
    if json:
        print_json({"players": [asdict(card) for card in cards], "problems": broken})
        return
    for each, title in KINDS.items():
        chosen = [card for card in cards if card.kind == each]
        if not chosen:
            continue
        made = table("address", "what it is", "options", title=title, names=("address",))
        for card in chosen:
            made.add_row(f"[bold]{card.ref}[/bold]", card.summary, ", ".join(card.options))
        print_table(made)
    for reason in broken.values():
        print_warning(reason)
    echo("Options follow an address after a question mark: oracle/renderer?size=128")
    echo()
    _rosters()


def _rosters() -> None:
    """Prints the rosters."""
    from telephone.models.rosters import list_rosters

    made = table(
        "roster",
        "what it is",
        "models",
        title="Rosters (telephone players --roster NAME)",
        numbers=("models",),
        names=("roster",),
    )
    for roster in list_rosters():
        made.add_row(f"[bold]{roster.name}[/bold]", roster.summary, str(len(roster.members)))
    print_table(made)


def _roster(name: str, kind: str | None, json: bool) -> None:
    from telephone.models.rosters import load_roster

    found = load_roster(name)
    members = [member for member in found.members if kind in (None, member.kind)]
    if json:
        print_json(asdict(found) | {"members": [asdict(member) for member in members]})
        return
    echo(f"{found.name}: {found.summary}" + (f" (checked on {found.checked})" if found.checked else ""))
    for each, title in KINDS.items():
        chosen = [member for member in members if member.kind == each]
        if chosen:
            echo()
            echo(title)
        for member in chosen:
            echo()
            echo(f"  {member.ref}")
            for line in _lines(member):
                echo(f"      {line}")


def _lines(member: "RosterEntry") -> list[str]:
    """Returns note, requirements and state of a model of a roster."""
    lines = [visible(member.note)] if member.note else []
    lines += [f"needs {'; '.join(visible(need) for need in member.needs)}"] if member.needs else []
    if member.retired:
        stand_in = f"; --stand-ins takes {member.stand_in}" if member.stand_in else "; it has no stand-in"
        lines.append(f"can no longer be called since {member.retired}{stand_in}")
    return lines
