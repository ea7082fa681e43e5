"""Puts the commands together and runs them."""

import errno
from typing import Annotated

import typer

from telephone.cli import (
    compare,
    doctor,
    draw,
    export,
    fetch,
    film,
    judge,
    leaderboard,
    learn,
    lineage,
    plan,
    play,
    players,
    prompts,
    report,
    resume,
    search,
    serve,
    show,
    tell,
    verify,
    world,
)
from telephone.cli.command_group import FAILED, STOPPED, TERMINATED, Command, CommandGroup
from telephone.cli.output import print_error
from telephone.cli.streams import flush_output, prepare_streams

app = typer.Typer(
    name="telephone",
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    plan,
    play,
    resume,
    report,
    judge,
    show,
    film,
    compare,
    leaderboard,
    verify,
    export,
    players,
    prompts,
    draw,
    tell,
    learn,
    fetch,
    serve,
    doctor,
    world,
)

for module in COMMANDS:
    app.command(module.NAME, cls=Command)(module.command)
app.add_typer(lineage.app, name=lineage.NAME)
app.add_typer(search.app, name=search.NAME)


def _version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        typer.echo(f"telephone {version('ai-telephone')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="The version.", callback=_version, is_eager=True)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Text-to-image and image-to-text models play the telephone game."""
    from telephone.core import settings
    from telephone.core.errors import UsageError

    try:
        settings.load()
    except ValueError as error:
        raise UsageError(str(error)) from error


def main() -> None:
    """Runs the command line and leaves with its exit code: 0 done, 1 failed, 2 wrong use, 130 Ctrl-C, 143 SIGTERM."""
    from telephone.core.signals import sigterm_as_interrupt

    prepare_streams()
    with sigterm_as_interrupt() as received:
        try:
            try:
                app()
            finally:
                flush_output()
        except SystemExit as error:
            if received and error.code == STOPPED:
                raise SystemExit(TERMINATED) from error
            raise
        except OSError as error:  # what was printed is lost; a reader that has ended wanted no more of it
            if error.errno != errno.EPIPE:
                print_error(f"The output could not be written ({error.strerror}): free some space, or print elsewhere.")
            raise SystemExit(FAILED) from error
