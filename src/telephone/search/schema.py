"""The properties of a picture that a library keeps: names, Arrow types, and the JSON of the live segment."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from telephone.core.errors import StoreDamaged

FAMILIES = (
    "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "black", "grey", "white",
)  # fmt: skip
"""Colour families, in the order of the column `families`."""
CELLS = 9
"""Cells of the 3 x 3 grid in which free space is measured, row by row from the upper left."""
PALETTE = 8
"""Most colours of a palette."""

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bytes", pa.int64()),
        ("format", pa.string()),
        ("mode", pa.string()),
        ("taken", pa.int64()),
        ("camera", pa.string()),
        ("complexity", pa.float32()),
        ("free_space", pa.list_(pa.float32(), CELLS)),
        ("families", pa.list_(pa.float32(), len(FAMILIES))),
        ("palette", pa.list_(pa.int32())),
        ("palette_shares", pa.list_(pa.float32())),
        ("fingerprint", pa.uint64()),
        ("caption", pa.string()),
        ("tags", pa.list_(pa.string())),
    ]
)
"""Columns of `items.parquet`.

`width` and `height` are pixels after the orientation of the camera is applied; `bytes` the size of the file; `taken`
seconds since the epoch by the camera's clock; `complexity` the share of pixels on edges, 0 to 1; `free_space` the share
of each cell without edges, 0 to 1; `families` the share of each colour family, together 1; `palette` colours as
0xRRGGBB with their shares in `palette_shares`, the largest first; `fingerprint` a perceptual hash of 64 bits.
"""
NAMES = tuple(SCHEMA.names)


def to_json(properties: Mapping[str, Any]) -> str:
    """Returns the properties without the id as JSON.

    Raises:
        KeyError: there is no such column.
    """
    unknown = set(properties) - set(NAMES)
    if unknown:
        raise KeyError(f"unknown properties: {', '.join(sorted(unknown))}")
    return json.dumps({name: value for name, value in properties.items() if name != "id"}, ensure_ascii=False)


def from_json(text: str) -> dict[str, Any]:
    """Returns the properties that `to_json` wrote; columns that were not known yet are None.

    Raises:
        StoreDamaged: the text is not what was written.
    """
    try:
        found = json.loads(text)
        return {name: found.get(name) for name in NAMES if name != "id"}
    except (ValueError, AttributeError) as error:
        raise StoreDamaged(f"The properties of a picture are damaged ({error}): index the pictures again.") from error
