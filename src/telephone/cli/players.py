"""`telephone players`: who can play in this installation."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from telephone.cli.options import Json, RosterName
from telephone.cli.output import print_json, print_table, say, table, visible, warn

if TYPE_CHECKING:
    from telephone.models.rosters import RosterEntry

NAME = "players"

KINDS = {"text2image": "draw", "image2text": "describe", "embedder": "measure"}


def command(
    kind: Annotated[
        Literal["text2image", "image2text", "embedder"] | None,
        typer.Option("--kind", help="Only this kind.", show_default=False),
    ] = None,
    roster: RosterName = None,
    json: Json = False,
) -> None:
    """List who can draw, describe and measure here, with the options of each; or the players of a roster."""
    from telephone.models import list_models, problems

    if roster is not None:
        _roster(roster, kind, json)
        return

    cards = [card for card in list_models() if kind in (None, card.kind)]
    broken = problems()
    if json:
        print_json({"players": [asdict(card) for card in cards], "problems": broken})
        return
    for each, does in KINDS.items():
        chosen = [card for card in cards if card.kind == each]
        if not chosen:
            continue
        made = table("address", "what it is", "options", title=f"Players that {does}")
        for card in chosen:
            made.add_row(f"[bold]{card.ref}[/bold]", card.summary, ", ".join(card.options))
        print_table(made)
    for reason in broken.values():
        warn(reason)
    say("Options follow an address after a question mark: oracle/renderer?size=128")
    say()
    _rosters()


def _rosters() -> None:
    """Tells which lists of players there are."""
    from telephone.models.rosters import list_rosters

    made = table(
        "roster", "what it is", "players", title="Rosters (telephone players --roster NAME)", numbers=("players",)
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
    say(f"{found.name}: {found.summary}" + (f" (looked at on {found.checked})" if found.checked else ""))
    for each, does in KINDS.items():
        chosen = [member for member in members if member.kind == each]
        for member in chosen:
            say()
            say(f"  {member.ref} {does}s")
            for line in _lines(member):
                say(f"      {line}")


def _lines(member: "RosterEntry") -> list[str]:
    """What is worth knowing of a player."""
    lines = [visible(member.note)] if member.note else []
    lines += [f"needs {'; '.join(visible(need) for need in member.needs)}"] if member.needs else []
    if member.retired:
        stand_in = f"; --stand-ins takes {member.stand_in}" if member.stand_in else ", and nobody stands in"
        lines.append(f"can no longer be called since {member.retired}{stand_in}")
    return lines
