"""Which turns of a run go into an export, and under which column names."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.analysis.tables.drift import short_name
from telephone.analysis.tables.score_frames import without_controls

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run

_SECOND = re.compile(r"^text_after_dist@distance by (?P<embedder>.+)$")


@dataclass(frozen=True)
class Turns:
    """Turns of the battle that have a picture."""

    table: "pd.DataFrame"
    """The columns of `Run.frame()`; a second embedder's distance is `text_after_dist_NAME`."""
    left_out: int
    """Number of the turns without a picture: refused, failed or not played yet."""


def turns_with_pictures(run: "Run") -> Turns:
    """Returns the turns of a run that have a picture; control lines, which are no part of the battle, are left out."""
    played = without_controls(run.frame())
    table = played[played["filepath"].notna()].reset_index(drop=True)
    names = {_plain(name): name for name in reversed(list(table.columns))}  # of two judges of one name the first stays
    kept = {name: plain for plain, name in reversed(names.items()) if plain}
    return Turns(table[list(kept)].rename(columns=kept), len(played) - len(table))


def suffix(embedder: str) -> str:
    """Returns an embedder's name as the end of a field's name: `_all_minilm_l6_v2` of `minilm/all-MiniLM-L6-v2 #…`."""
    return "_" + re.sub(r"\W+", "_", short_name(embedder).rpartition("/")[2]).strip("_").lower()


def _plain(column: str) -> str:
    """Returns the column's name in an export, empty for what is left out: scores of judges that came second."""
    if "@" not in column:
        return column
    found = _SECOND.match(column)
    return f"text_after_dist{suffix(found['embedder'])}" if found else ""
