"""A folder that is written whole or not at all, and names that are fit for files."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telephone.core.errors import UsageError
from telephone.store.database import guarded
from telephone.store.image_files import sync_folder


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which gets its name when all went well and is removed when not.

    Args:
        target: the name; nothing, or an empty folder, may be there.

    Raises:
        UsageError: something else is there.
        StoreError: the disk is full or cannot be written.
    """
    with guarded(target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target} is there already: remove it, or give another name with --output.")
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"))
        try:
            yield made
            made.chmod(0o755)  # mkdtemp makes folders that only their owner can read
            os.replace(made, target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        sync_folder(target.parent)


def file_name(text: str, taken: set[str]) -> str:
    """Returns a text as a unique file name of letters, digits, `-` and `_`, and adds it to `taken`.

    Args:
        text: anything, such as the address of a model.
        taken: names that were given out; the new one is added.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:100] or "nameless"
    name, number = stem, 2
    while name.lower() in taken:  # some disks do not tell small letters from large ones
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.lower())
    return name
