"""Results of a search: hits with their explanations, the verdict on the query, and the forms in which they are read."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from telephone.core.images import decode
from telephone.search.calibration import MatchVerdict
from telephone.search.explain import Explanation
from telephone.search.picture_properties import thumbnail


@dataclass(frozen=True)
class Hit:
    """A picture that was found."""

    rank: int
    """1 is the best of the whole result, whatever the page."""
    id: int
    path: Path
    score: float
    """Standard deviations above the mean of the library for one encoder alone; a fused rank otherwise."""
    properties: dict[str, Any]
    """Values of `schema.SCHEMA`."""
    explanation: Explanation
    duplicates: tuple[Path, ...] = ()
    """Near-duplicates that are folded into this one."""

    def image(self) -> Image.Image:
        """Returns the picture, RGB.

        Raises:
            OSError: the file is gone.
            ModelError: it is no picture any more.
        """
        return decode(self.path.read_bytes())

    def thumbnail(self, side: int = 256) -> bytes:
        """Returns a small copy as PNG; raises as `image` does."""
        data = io.BytesIO()
        thumbnail(self.image(), side).save(data, "PNG")
        return data.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """Returns what `--json` prints of a hit."""
        names = ("width", "height", "format", "taken", "camera", "caption", "tags")
        return {
            "rank": self.rank,
            "id": self.id,
            "path": os.fspath(self.path),
            "score": self.score,
            **{name: self.properties.get(name) for name in names},
            "why": list(self.explanation.sentences()),
            "duplicates": [os.fspath(each) for each in self.duplicates],
        }


@dataclass(frozen=True)
class SearchResult:
    """The answer to a query."""

    hits: tuple[Hit, ...]
    """The page that was asked for; if nothing matches, what came nearest."""
    total: int
    """Ranked candidates, of which the hits are a page."""
    verdict: MatchVerdict
    seconds: float

    @property
    def matched(self) -> bool:
        """False if nothing in the library matches; the hits are then only what came nearest."""
        return self.verdict.matched

    def table(self) -> pa.Table:
        """Returns the hits as a table with the columns rank, id, path, score, width, height, caption and why."""
        rows = [each.as_dict() for each in self.hits]
        columns: dict[str, list[Any]] = {
            name: [row[name] for row in rows] for name in ("rank", "id", "path", "score", "width", "height", "caption")
        }
        columns["path"] = [each.encode("utf-8", "replace").decode() for each in columns["path"]]
        return pa.table(columns | {"why": [" ".join(row["why"]) for row in rows]})

    def as_dict(self) -> dict[str, Any]:
        """Returns what `--json` prints."""
        return {
            "matched": self.verdict.matched,
            "reason": self.verdict.reason,
            "calibrated": self.verdict.calibrated,
            "total": self.total,
            "seconds": round(self.seconds, 4),
            "hits": [each.as_dict() for each in self.hits],
        }
