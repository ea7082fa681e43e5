"""`telephone fetch`: the files of models that compute on this machine."""

from typing import Annotated

import typer

from telephone.cli.output import say

NAME = "fetch"


def command(
    refs: Annotated[
        list[str],
        typer.Argument(
            metavar="REF...", help="diffusers/ORG/MODEL or transformers/ORG/MODEL, ?revision=… too.", show_default=False
        ),
    ],
) -> None:
    """Download what local players need and nothing else, into the hub's cache, and print where it lies.

    Nothing is downloaded otherwise: a battle must not begin with an hour of waiting that nobody asked for.
    """
    from telephone.models.local.download import fetch

    for ref in refs:
        say(str(fetch(ref)))
