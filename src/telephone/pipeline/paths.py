"""Names of files that are made from texts."""

import re
from pathlib import Path


def slug(text: str, most: int = 40) -> str:
    """Returns a text as part of a file name: lower-case letters and digits with hyphens, whole words."""
    name = re.sub(r"[^\w]+", "-", text.lower()).strip("-_")
    return name if len(name) <= most else name[:most].rpartition("-")[0] or name[:most]


def free_path(path: Path) -> Path:
    """Returns the path, or the first of `name-2`, `name-3` and so on that does not exist."""
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free
