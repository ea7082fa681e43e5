"""`telephone players`: who can play in this installation."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from telephone.cli.options import Json
from telephone.cli.printing import print_json, print_table, say, table, warn

NAME = "players"

KINDS = {"text2image": "draw", "image2text": "describe", "embedder": "measure"}


def command(
    kind: Annotated[
        Literal["text2image", "image2text", "embedder"] | None,
        typer.Option("--kind", help="Only this kind.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """List who can draw, describe and measure here, with the options of each."""
    from telephone.players import players, problems

    cards = [card for card in players() if kind in (None, card.kind)]
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
