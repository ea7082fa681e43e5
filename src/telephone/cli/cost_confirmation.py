"""What a battle will take, told before its first call; where it costs money, somebody has to agree."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.command_group import STOPPED
from telephone.cli.output import print_table, table, tell
from telephone.cli.parsing import counted, money
from telephone.cli.progress import clock
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.battle import Forecast, Limits, ModelForecast


@dataclass(frozen=True)
class SpendingOptions:
    """What a person says about money and limits."""

    budget: float | None = None
    """US dollars over all sittings."""
    unknown: bool = False
    """Whether players of unknown price may play under a budget."""
    yes: bool = False
    """Whether the person has agreed beforehand."""
    in_flight: int | None = None
    """Calls to one service at a time."""

    def limits(self) -> "Limits":
        """Returns the limits under which the engine plays."""
        from telephone.battle import Limits

        return Limits(in_flight=self.in_flight)


def agree(forecast: "Forecast", purse: SpendingOptions) -> None:
    """Tells what a battle will cost, and lets it begin only if somebody agrees; says nothing where it is free.

    Raises:
        UsageError: a key is missing, a budget cannot be kept, or nobody is there to agree.
        typer.Exit: with 130; somebody said no.
    """
    from telephone.core import settings

    _refuse_unready(forecast)
    if purse.budget is not None and forecast.unpriced and not purse.unknown:
        raise UsageError(
            f"What {_names(forecast.unpriced)} costs is not known, so a budget cannot be kept: add ?price=DOLLARS to"
            " the address if it takes that option, or --allow-unknown-cost."
        )
    unknown = [share for share in forecast.unpriced if share.remote]
    if not forecast.known and not unknown:
        return
    for line in words(forecast, purse):
        tell(line)
    limit = settings.load().ask_above
    if purse.yes or (forecast.known <= limit and not unknown):
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        why = f"more than {money(limit)} US dollars" if forecast.known > limit else "an unknown sum"
        raise UsageError(f"This may cost {why} and nobody is here to agree: add --yes, or look first with --dry-run.")
    if not typer.confirm("Play?", err=True):
        tell("Nothing was played.")
        raise typer.Exit(STOPPED)


def words(forecast: "Forecast", purse: SpendingOptions = SpendingOptions()) -> list[str]:  # noqa: B008 - a frozen value
    """Returns what is left to do in a few lines: calls, cost and time."""
    found = [f"At most {counted(forecast.calls, 'call')}: equal ones are made once. {_price(forecast)}"]
    if forecast.spent or forecast.spent_unknown:
        found.append(f"Spent so far: {paid(forecast.spent, forecast.spent_unknown)}.")
    if not forecast.calls:
        return ["Nothing is left to call.", *found[1:]]
    if purse.budget is not None:
        left = max(0.0, purse.budget - forecast.spent)
        ends = "; it may end the run before its games are over" if forecast.known > left else ""
        found.append(f"The budget is {money(purse.budget)} US dollars{ends}.")
    found.append(_time(forecast))
    return found


def print_shares(forecast: "Forecast") -> None:
    """Prints what each player will have to do."""
    columns = ("calls at most", "seconds a call", "dollars a call", "dollars in all")
    made = table("player", *columns, numbers=columns)
    for share in forecast.shares:
        seconds = "unknown" if share.seconds is None else f"{share.seconds:.3g}"
        price, cost = (_or_unknown(value) for value in (share.price, share.cost))
        made.add_row(f"[bold]{share.player}[/bold]", f"{share.calls:,}", seconds, price, cost)
    print_table(made)


def as_json(forecast: "Forecast") -> dict[str, Any]:
    """Returns the same for a program; what is unknown is null."""
    names = ("player", "calls", "price", "seconds", "cost")
    return {
        "calls": forecast.calls,
        "cost": forecast.cost,
        "known_cost": forecast.known,
        "unknown_cost_of": [share.player for share in forecast.unpriced],
        "seconds": forecast.seconds,
        "spent": {"known": forecast.spent, "calls_of_unknown_cost": forecast.spent_unknown},
        "players": [{name: getattr(share, name) for name in names} for share in forecast.shares],
    }


def paid(known: float, unknown: int) -> str:
    """Returns a sum such as `4.20 US dollars and 3 calls of unknown cost`."""
    parts = [f"{money(known)} US dollars"] if known or not unknown else []
    return " and ".join(parts + ([f"{counted(unknown, 'call')} of unknown cost"] if unknown else []))


def _refuse_unready(forecast: "Forecast") -> None:
    """A key that is missing is told before the first call, and before a folder is made."""
    from telephone.models import load_model

    for share in forecast.shares:
        lacks = getattr(load_model(share.player), "lacks", None) if share.calls else None
        if callable(lacks) and (reason := lacks()):
            raise UsageError(str(reason))


def _price(forecast: "Forecast") -> str:
    rest = f"the others cost up to about {money(forecast.known)} US dollars." if forecast.known else ""
    if forecast.unpriced:
        return f"What {_names(forecast.unpriced)} costs is not known" + (f"; {rest}" if rest else ".")
    return f"It costs up to about {money(forecast.known)} US dollars." if forecast.known else "It costs nothing."


def _time(forecast: "Forecast") -> str:
    if forecast.seconds is not None:
        return f"It takes about {clock(forecast.seconds)} at the pace of earlier calls."
    unmeasured = [share for share in forecast.shares if share.calls and share.seconds is None]
    many = f"{len(unmeasured)} players have" if len(unmeasured) > 1 else f"{_names(unmeasured)} has"
    return f"How long it takes is not known: {many} not been timed yet."


def _names(shares: "Sequence[ModelForecast]") -> str:
    names = [share.player for share in shares]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else money(value)
