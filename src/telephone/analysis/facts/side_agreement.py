"""Whether a text-to-image and an image-to-text model keep the same facts, apart from how many each keeps.

Two models may be equally accurate and fail on different facts, so that their pair loses what each alone would keep
half of the time; or they share their strengths. The rates of both at each fact are compared (cf. the consistency of
generation and understanding in XTC-Bench). The rate of a model at a fact is taken over all games of the battle in which
the fact reached it, whoever its partner was.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from telephone.analysis.inference.correlation import clustered_correlation

COLUMNS = (
    "t2i_model", "i2t_model", "correlation", "low", "high", "both", "only_t2i", "only_i2t", "neither", "facts",
    "prompts",
)  # fmt: skip
MIN_FACTS = 10
_KEPT_OFTEN = 0.5
_AT_RISK = ("kept", "lost", "corrupted")


def side_agreement(tracked: pd.DataFrame) -> pd.DataFrame:
    """Returns for each text-to-image and image-to-text model how their rates agree over the facts of the prompts.

    Columns: `t2i_model, i2t_model`, `correlation` (Pearson's, of the two rates over facts, -1 to 1; NaN if one of them
    is constant or below ten facts), `low`, `high` (95 % interval over prompts; NaN below three), `both`, `only_t2i`,
    `only_i2t`, `neither` (shares of the facts that each keeps in at least half of its calls), `facts`, `prompts`.

    Args:
        tracked: As `track_facts` gives it; calls whose image was not read are left out.
    """
    calls = tracked[tracked["event"].isin(_AT_RISK) & tracked["kind"].isin(["image", "text"])]
    kept = calls.assign(kept=(calls["event"] == "kept").astype(float))
    rates = kept.groupby(["kind", "player", "prompt_id", "atom"])["kept"].mean()
    levels = tracked.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    sides = [sorted(calls.loc[calls["kind"] == kind, "player"].unique()) for kind in ("image", "text")]
    rows = []
    for t2i, i2t in product(*sides):
        both = pd.DataFrame({"t2i": rates["image", t2i], "i2t": rates["text", i2t]}).dropna()
        rows.append({"t2i_model": t2i, "i2t_model": i2t, **_agreement(both, levels)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _agreement(rates: pd.DataFrame, levels: pd.Series) -> dict[str, Any]:
    one, other = (rates[name].to_numpy(dtype=float) for name in ("t2i", "i2t"))
    prompts = rates.index.get_level_values("prompt_id")
    names = list(dict.fromkeys(prompts))
    often = (one >= _KEPT_OFTEN, other >= _KEPT_OFTEN)
    shares = {
        "both": often[0] & often[1],
        "only_t2i": often[0] & ~often[1],
        "only_i2t": ~often[0] & often[1],
        "neither": ~often[0] & ~often[1],
    }
    counts = {name: float(each.mean()) if len(each) else float("nan") for name, each in shares.items()}
    place = {name: at for at, name in enumerate(names)}
    strata = [str(levels[name]) for name in names]
    numbers = dict.fromkeys(("correlation", "low", "high"), float("nan"))
    if len(one) >= MIN_FACTS:
        of_prompt = np.array([place[name] for name in prompts], dtype=int)
        numbers = dict(zip(numbers, clustered_correlation(one, other, of_prompt, strata), strict=True))
    return numbers | counts | {"facts": len(one), "prompts": len(names)}
