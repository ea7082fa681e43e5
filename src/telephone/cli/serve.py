"""`telephone serve`: models for other machines, behind OpenAI's interface."""

from pathlib import Path
from typing import Annotated

import typer

from telephone.cli.formatting import visible
from telephone.cli.output import echo, note

NAME = "serve"


def command(
    refs: Annotated[
        list[str],
        typer.Argument(metavar="REF…", help="Models, each as `ADDRESS` or `NAME=ADDRESS`.", show_default=False),
    ],
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 selects a free port.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="File of mode 600 with the token that clients must send; else `TELEPHONE_TOKEN`.",
            show_default=False,
        ),
    ] = None,
    waiting: Annotated[
        int,
        typer.Option(
            "--waiting", min=1, max=10_000, help="Maximum number of requests at a time; further ones receive 429."
        ),
    ] = 64,
) -> None:
    """Serve models to other programs and machines, until Ctrl-C."""
    from telephone.serve import ListenAddress, load_served_models, read_token, serve
    from telephone.serve.access import policy_for
    from telephone.serve.server import require

    require()
    policy = policy_for(host, read_token(token_file), waiting)
    served = load_served_models(refs)
    for target in served.values():
        note(f"{visible(target.name)}: {target.kind}, {target.traits.device}")

    def ready(url: str) -> None:
        echo(url)
        note("Ready; stop with Ctrl-C." + ("" if policy.token else " Only this machine can send requests."))

    serve(served, ListenAddress(host, port), policy, ready)
    note("Closed.")
