"""How often a fact is lost in one call: by kind of call, model, attribute, turn and level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, merge_strata, student_quantile
from telephone.core.errors import UsageError

GROUPS = ("kind", "player", "attribute", "turn", "level", "t2i_model", "i2t_model", "first")
"""Columns by which hazards and survival can be grouped."""
_WELL = {"kept", "lost", "corrupted"}


def hazard_rates(table: pd.DataFrame, by: Sequence[str] = ("kind",)) -> pd.DataFrame:
    """Returns the probability that a fact which is kept before a call is lost by it.

    Columns: those of `by`, `at_risk` (facts kept before a call), `lost` and `corrupted` (of these), `hazard` (their
    share, 0 to 1), `low`, `high` (95 % interval over prompts, NaN for a single one), `back_from` (facts missing
    before a call), `back` (of these, restored by it) and `prompts`.

    Args:
        table: As `track_facts` gives it.
        by: Some of `GROUPS`; none pools everything.

    Raises:
        UsageError: there is no such group.
    """
    keys = check_groups(by)
    found = table.assign(
        at_risk=table["event"].isin(_WELL),
        lost=table["event"] == "lost",
        corrupted=table["event"] == "corrupted",
        back_from=table["event"].isin(["back", "gone"]),
        back=table["event"] == "back",
        everything="",
    )
    names = ["at_risk", "lost", "corrupted", "back_from", "back"]
    group = keys or ["everything"]
    sums = found.groupby([*group, "prompt_id"], sort=True)[names].sum()
    levels = table.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    rows = []
    for own, part in sums.groupby(level=list(range(len(group))), sort=True):
        totals = part.sum()
        strata = [str(levels[prompt]) for prompt in part.index.get_level_values("prompt_id")]
        events = (part["lost"] + part["corrupted"]).to_numpy(dtype=float)
        share, low, high = clustered_proportion(events, part["at_risk"].to_numpy(dtype=float), strata)
        head = dict(zip(group, own if isinstance(own, tuple) else (own,), strict=True))
        numbers = {"hazard": share, "low": low, "high": high, "prompts": len(part)}
        rows.append(head | {name: int(totals[name]) for name in names} | numbers)
    order = [*keys, "at_risk", "lost", "corrupted", "hazard", "low", "high", "back_from", "back", "prompts"]
    return pd.DataFrame(rows, columns=order)


def check_groups(by: Sequence[str]) -> list[str]:
    """Returns the groups as a list.

    Raises:
        UsageError: one of them is unknown.
    """
    unknown = [name for name in by if name not in GROUPS]
    if unknown:
        raise UsageError(f"Facts are not grouped by {unknown[0]!r}: choose from {', '.join(GROUPS)}.")
    return list(by)


def clustered_proportion(events: Floats, risks: Floats, strata: Sequence[str]) -> tuple[float, float, float]:
    """Returns a proportion over clusters (prompts) and its 95 % Wilson interval with an effective sample size.

    Facts of one prompt are not independent. The variance between prompts gives the number of independent facts with the
    same precision, and the interval is Wilson's for that number. It does not shrink to a point at 0 or 1.

    Args:
        events: Number of events of each prompt.
        risks: Number of cases at risk of each prompt, not less than its events.
        strata: The level of each prompt.

    Returns:
        Share, lower and upper bound; NaN without cases at risk; the bounds are NaN for a single prompt.
    """
    at_risk = risks > 0
    events, risks = events[at_risk], risks[at_risk]
    groups = np.array(merge_strata([each for each, inside in zip(strata, at_risk, strict=True) if inside]))
    n, total = len(risks), float(risks.sum())
    if not n:
        return float("nan"), float("nan"), float("nan")
    share = float(events.sum()) / total
    if n < 2:
        return share, float("nan"), float("nan")
    variance = _variance(events - share * risks, groups) / total**2
    freedom = n - len(set(groups.tolist()))
    worth = min(share * (1 - share) / variance, total) if variance > 0 and 0 < share < 1 else total
    # Wilson's centre and half width, with Student's quantile in place of the normal one.
    z = student_quantile(freedom)
    middle = (share + z * z / (2 * worth)) / (1 + z * z / worth)
    half = z * np.sqrt(share * (1 - share) / worth + z * z / (4 * worth**2)) / (1 + z * z / worth)
    return share, float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def _variance(residuals: Floats, groups: NDArray[Any]) -> float:
    """Returns the variance of the sum of residuals, one a prompt, with prompts sampled within their groups."""
    total = 0.0
    for group in set(groups.tolist()):
        own = residuals[groups == group]
        if len(own) > 1:
            total += len(own) / (len(own) - 1) * float(((own - own.mean()) ** 2).sum())
    return total
