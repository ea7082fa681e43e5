"""Whether a battle may start: keys, budget, and the caller's confirmation where calls cost money."""

from collections.abc import Callable

from telephone.battle import Forecast
from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.models import load_model
from telephone.pipeline.options import PlayOptions

Confirm = Callable[[Forecast], bool]
"""Returns whether a battle that costs money may start."""


class CostNotConfirmed(UsageError):
    """A battle that costs money was not confirmed; nothing was called."""


def needs_confirmation(forecast: Forecast) -> bool:
    """Returns whether the cost is unknown or above the setting `TELEPHONE_ASK_ABOVE`."""
    return forecast.known > settings.load().ask_above or any(share.remote for share in forecast.unpriced)


def check_costs(forecast: Forecast, options: PlayOptions, confirm: Confirm | None) -> None:
    """Checks keys and budget, then asks for confirmation where the cost needs one.

    Raises:
        UsageError: a key is missing, or a budget cannot be kept.
        CostNotConfirmed: there is no callback, or it returned False.
    """
    check_keys(forecast)
    check_budget(forecast, options)
    if not needs_confirmation(forecast):
        return
    if confirm is None:
        raise CostNotConfirmed("This battle may cost money: pass confirm=..., a function of the forecast.")
    if not confirm(forecast):
        raise CostNotConfirmed("The cost was not confirmed: nothing was played.")


def check_keys(forecast: Forecast) -> None:
    """Checks that every model that will be called can be called, before the first call and before a folder is made.

    Raises:
        UsageError: a key or a package is missing.
    """
    for share in forecast.models:
        lacks = getattr(load_model(share.model), "lacks", None) if share.calls else None
        if callable(lacks) and (reason := lacks()):
            raise UsageError(str(reason))


def check_budget(forecast: Forecast, options: PlayOptions) -> None:
    """Checks that a budget can be kept.

    Raises:
        UsageError: a model of unknown price will be called under a budget.
    """
    if options.budget is not None and forecast.unpriced and not options.allow_unknown_cost:
        names = [share.model for share in forecast.unpriced]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
        raise UsageError(
            f"What {listed} costs is not known, so a budget cannot be kept: add ?price=DOLLARS to the address if it"
            " takes that option, or --allow-unknown-cost (PlayOptions.allow_unknown_cost)."
        )
