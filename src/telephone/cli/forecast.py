"""The forecast of a battle in a terminal: calls, cost and time by model, and the question whether to play."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.formatting import clock, counted, money
from telephone.cli.output import note
from telephone.cli.tables import print_table, table
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.battle import Forecast, ModelForecast
    from telephone.pipeline import Confirm, ForecastReady


def print_costs(event: "ForecastReady") -> None:
    """Writes the forecast to stderr where calls cost money."""
    forecast = event.forecast
    if forecast.known or any(share.remote for share in forecast.unpriced):
        for line in forecast_lines(forecast, event.budget):
            note(line)


def confirmation(yes: bool) -> "Confirm":
    """Returns the callback that asks on a terminal whether to play.

    Args:
        yes: agrees without a question.
    """

    def confirm(forecast: "Forecast") -> bool:
        from telephone.core import settings

        if yes:
            return True
        if sys.stdin.isatty() and sys.stderr.isatty():
            return typer.confirm("Play?", err=True)
        limit = settings.load().ask_above
        sum_ = f"more than {money(limit)} US dollars" if forecast.known > limit else "an unknown sum"
        raise UsageError(
            f"This may cost {sum_}, and there is no terminal to ask on: add --yes, or look first with --dry-run."
        )

    return confirm


def forecast_lines(forecast: "Forecast", budget: float | None = None) -> list[str]:
    """Returns what is left to play in a few lines: calls, cost and time."""
    found = [f"At most {counted(forecast.calls, 'call')}: equal ones are made once. {_price(forecast)}"]
    if forecast.spent or forecast.spent_unknown:
        found.append(f"Spent so far: {cost_of(forecast.spent, forecast.spent_unknown)}.")
    if not forecast.calls:
        return ["No call is left to make.", *found[1:]]
    if budget is not None:
        left = max(0.0, budget - forecast.spent)
        ends = "; it may end the run before its games are over" if forecast.known > left else ""
        found.append(f"The budget is {money(budget)} US dollars{ends}.")
    found.append(_time(forecast))
    return found


def print_models(forecast: "Forecast") -> None:
    """Prints calls, time and cost by model."""
    columns = ("calls at most", "seconds a call", "dollars a call", "dollars in all")
    made = table("model", *columns, numbers=columns, names=("model",))
    for share in forecast.models:
        seconds = "unknown" if share.seconds is None else f"{share.seconds:.3g}"
        price, cost = ("unknown" if value is None else money(value) for value in (share.price, share.cost))
        made.add_row(f"[bold]{share.model}[/bold]", f"{share.calls:,}", seconds, price, cost)
    print_table(made)


def forecast_json(forecast: "Forecast") -> dict[str, Any]:
    """Returns the forecast for a JSON document; what is unknown is null."""
    names = ("calls", "price", "seconds", "cost")
    return {
        "calls": forecast.calls,
        "cost": forecast.cost,
        "known_cost": forecast.known,
        "unknown_cost_of": [share.model for share in forecast.unpriced],
        "seconds": forecast.seconds,
        "spent": {"known": forecast.spent, "calls_of_unknown_cost": forecast.spent_unknown},
        "players": [
            {"player": share.model} | {name: getattr(share, name) for name in names} for share in forecast.models
        ],
    }


def cost_of(known: float, unknown: int) -> str:
    """Returns a sum such as `4.20 US dollars and 3 calls of unknown cost`."""
    parts = [f"{money(known)} US dollars"] if known or not unknown else []
    return " and ".join(parts + ([f"{counted(unknown, 'call')} of unknown cost"] if unknown else []))


def _price(forecast: "Forecast") -> str:
    rest = f"the others cost up to about {money(forecast.known)} US dollars." if forecast.known else ""
    if forecast.unpriced:
        return f"What {_names(forecast.unpriced)} costs is not known" + (f"; {rest}" if rest else ".")
    return f"It costs up to about {money(forecast.known)} US dollars." if forecast.known else "It costs nothing."


def _time(forecast: "Forecast") -> str:
    if forecast.seconds is not None:
        return f"It takes about {clock(forecast.seconds)} at the speed of earlier calls."
    unmeasured = [share for share in forecast.models if share.calls and share.seconds is None]
    many = f"{len(unmeasured)} models have" if len(unmeasured) > 1 else f"{_names(unmeasured)} has"
    return f"How long it takes is not known: {many} not been timed yet."


def _names(shares: "Sequence[ModelForecast]") -> str:
    names = [share.model for share in shares]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
