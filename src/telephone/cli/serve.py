"""`telephone serve`: players for other machines, behind OpenAI's interface."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.output import say, tell, visible

NAME = "serve"


def command(
    refs: Annotated[
        list[str],
        typer.Argument(metavar="REF…", help="Players, each as `ADDRESS` or `NAME=ADDRESS`.", show_default=False),
    ],
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes one that is free.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="What callers must show, in a file of mode 600; else `TELEPHONE_TOKEN`.",
            show_default=False,
        ),
    ] = None,
    waiting: Annotated[
        int, typer.Option("--waiting", min=1, max=10_000, help="Requests at a time; one more is told to come again.")
    ] = 64,
) -> None:
    """Serve players to other programs and machines, until Ctrl-C."""
    from telephone.serve import Post, invite, serve, token_of
    from telephone.serve.access import terms_for
    from telephone.serve.server import require

    require()
    terms = terms_for(host, token_of(token_file), waiting)
    guests = invite(refs)
    for guest in guests.values():
        tell(f"{visible(guest.name)}: {guest.kind}, {guest.traits.device}")

    def ready(url: str) -> None:
        say(url)
        tell("Ready; Ctrl-C ends it." + ("" if terms.token else " Only this machine can ask."))

    serve(guests, Post(host, port), terms, ready)
    tell("Closed.")
