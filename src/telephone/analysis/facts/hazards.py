"""How often a fact is lost in one call: by kind of call, model, attribute, turn and level."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from telephone.analysis.inference.share_interval import clustered_proportion
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
