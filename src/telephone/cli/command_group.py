"""The group of all commands: what `telephone --help` shows, and how an error becomes a message and an exit code."""

import errno
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from telephone.cli.output import note, print_error, styled
from telephone.core.errors import TelephoneError, UsageError
from telephone.core.output_files import FULL

FAILED, MISUSED, STOPPED, TERMINATED = 1, 2, 130, 143
"""Exit codes: games failed or a run is damaged; wrong use; stopped by Ctrl-C; stopped by SIGTERM. 0 is done."""

SECTIONS = {
    "Play": ("plan", "play", "resume", "report", "judge", "show", "film", "compare", "leaderboard"),
    "Store": ("verify", "export"),
    "Models and prompts": ("players", "prompts", "draw", "tell", "learn", "fetch", "serve", "doctor"),
    "Pictures": ("search",),
    "The pocket world": ("world", "lineage"),
}
"""The commands by section, in the order of the help."""

_LEAD = (
    "Text-to-image and image-to-text models play the telephone game: one draws a sentence, the other describes the\n"
    "drawing, the description is drawn again. What is left after ten turns?"
)
_EXAMPLES = (
    ("telephone play", "the pocket battle: no key, no GPU, no network"),
    ("telephone show runs/pocket-1a2b3c", "its games"),
    ('telephone world "a red boat on a beach" -o boat.png', "draw a sentence of the pocket world"),
)


class CommandGroup(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of the commands in the order of the sections."""
        known = super().list_commands(ctx)
        listed = [name for names in SECTIONS.values() for name in names if name in known]
        return listed + [name for name in known if name not in listed]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the overview; the one of typer takes twice as long."""
        bold = {"bold": True}
        lines = [_LEAD, "", styled("Usage: ", **bold) + "telephone [--debug] COMMAND [OPTIONS]"]
        for section, names in SECTIONS.items():
            lines += ["", styled(section, **bold)]
            lines += [self._line(ctx, name) for name in names if name in self.commands]
        lines += ["", styled("Options", **bold)]
        for option, words in ("--version", "the version"), ("--debug", "show the traceback of an error"):
            lines.append(_entry(option, words))
        lines += ["", styled("Examples", **bold)]
        for example, words in _EXAMPLES:
            lines += [f"  {styled(example, fg='green')}", f"      {words}"]
        lines += ["", "`telephone COMMAND --help` shows the options of a command."]
        typer.echo("\n".join(lines))

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; an error becomes one sentence on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except TelephoneError as error:
            if ctx.params.get("debug"):
                raise
            print_error(str(error))
            raise typer.Exit(MISUSED if isinstance(error, UsageError) else FAILED) from error
        except KeyboardInterrupt as error:
            note("Stopped.")
            raise typer.Exit(STOPPED) from error
        except Exception as error:  # noqa: BLE001 - the outermost place: an unexpected error becomes a message
            if _belongs_to_typer(error) or ctx.params.get("debug"):
                raise
            if isinstance(error, OSError) and error.errno in FULL:
                print_error(f"Disk full: {error.filename or 'the output'} could not be written; free some space.")
                raise typer.Exit(FAILED) from error
            reason = " ".join(str(error).split())
            print_error(
                f"Unexpected error ({type(error).__name__}: {reason}): run"
                f" `telephone --debug {ctx.invoked_subcommand}` with the same options to see its traceback."
            )
            raise typer.Exit(FAILED) from error

    def _line(self, ctx: Any, name: str) -> str:
        command = self.get_command(ctx, name)
        return _entry(name, command.get_short_help_str(90) if command is not None else "")


class Command(TyperCommand):
    """A command that refuses an option that is given twice, of which the first value would be ignored silently."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses the words of the command line; raises UsageError for a second value of a single option."""
        *_, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter in dict.fromkeys(order):
            single = parameter.nargs == 1 and not getattr(parameter, "multiple", False)
            flag = getattr(parameter, "is_flag", False) or getattr(parameter, "count", False)
            if single and not flag and order.count(parameter) > 1:
                print_error(f"{max(parameter.opts, key=len)} is given {order.count(parameter)} times: give it once.")
                raise typer.Exit(MISUSED)
        return super().parse_args(ctx, args)


def _entry(name: str, words: str) -> str:
    return f"  {styled(name, fg='cyan')}{' ' * max(1, 11 - len(name))}{words}"


def _belongs_to_typer(error: Exception) -> bool:
    """Returns whether typer handles the error itself: wrong options, an exit, a closed pipe."""
    ours = type(error).__module__.partition(".")[0] in ("typer", "click")
    return ours or (isinstance(error, OSError) and error.errno == errno.EPIPE)
