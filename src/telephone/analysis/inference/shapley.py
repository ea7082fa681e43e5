"""The variance of a battle's scores split into its sources, and divided fairly between the sides (Shapley).

The roster is fixed, prompts and chance are drawn: a source's part is what it would be over endless prompts, so what few
prompts put into the mean square of a model by chance is taken out of it, and a part can come out a little below 0.
"""

from __future__ import annotations

import numpy as np

from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.inference.score_tensor import Squares

PARTS = {
    "drawing": "t",
    "describing": "c",
    "prompt": "p",
    "drawing x describing": "tc",
    "drawing x prompt": "tp",
    "describing x prompt": "cp",
    "all three": "tcp",
    "chance": "e",
}
"""Names for people of the effects; without repeats `all three` is inside `chance`."""
PLAYERS = ("drawing", "describing", "prompt", "chance")
"""Between whom the variance is divided."""


def parts(found: Squares) -> Floats:
    """Returns [draws, 8]: the part of each of `PARTS` in the variance of a game's score, in squared units.

    Args:
        found: Mean squares of a table [t, c, p, r]; two or more models of each kind.
    """
    t, c, p, r = found.sizes
    m, chance = found.mean, found.chance
    made = {
        "t": (t - 1) * (m["t"] - m["tp"]) / (t * c * p * r),
        "c": (c - 1) * (m["c"] - m["cp"]) / (t * c * p * r),
        "p": (m["p"] - chance) / (t * c * r),
        "tc": (t - 1) * (c - 1) * (m["tc"] - m["tcp"]) / (t * c * p * r),
        "tp": (t - 1) / t * (m["tp"] - chance) / (c * r),
        "cp": (c - 1) / c * (m["cp"] - chance) / (t * r),
        "tcp": (t - 1) * (c - 1) / (t * c) * (m["tcp"] - chance) / r,
        "e": chance,
    }
    return np.stack([made[name] for name in PARTS.values()], axis=-1)


def shapley(made: Floats) -> Floats:
    """Returns [draws, 4]: the variance divided between `PLAYERS`, in the units of `parts`.

    Each source has its own part, half of each interaction of two in which it stands and a third of that of all three,
    which is the Shapley value of a full table; chance keeps its own.
    """
    t, c, p, tc, tp, cp, tcp, chance = np.moveaxis(made, -1, 0)
    return np.stack(
        [t + tc / 2 + tp / 2 + tcp / 3, c + tc / 2 + cp / 2 + tcp / 3, p + tp / 2 + cp / 2 + tcp / 3, chance], axis=-1
    )
