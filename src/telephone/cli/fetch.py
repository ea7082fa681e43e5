"""`telephone fetch`: the files of models that compute on this machine."""

from typing import Annotated

import typer

from telephone.cli.output import echo

NAME = "fetch"


def command(
    refs: Annotated[
        list[str],
        typer.Argument(
            metavar="REF...", help="diffusers/ORG/MODEL or transformers/ORG/MODEL, ?revision=… too.", show_default=False
        ),
    ],
) -> None:
    """Download the files of local models into the cache of huggingface_hub, and print their folder.

    No other command downloads files, so that a battle does not start with a long download.
    """
    from telephone.models.local.download import fetch

    for ref in refs:
        echo(str(fetch(ref)))
