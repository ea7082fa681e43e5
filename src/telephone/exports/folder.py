"""Folders that are written completely or not at all, and safe file names."""

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
    """Yields a temporary folder to fill; it is renamed to `target` on success and removed on failure.

    Args:
        target: the final folder; it must be missing or empty.

    Raises:
        UsageError: the folder is not empty, or is a file.
        StoreError: the disk is full or cannot be written.
    """
    with guarded(target):
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UsageError(f"{target} exists already: remove it, or give another name with --output.")
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp"))
        try:
            yield made
            made.chmod(0o755)  # mkdtemp creates folders that only their owner can read
            os.replace(made, target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        sync_folder(target.parent)


def file_name(text: str, taken: set[str]) -> str:
    """Returns a text as a unique file name of letters, digits, `-` and `_`, and adds it to `taken`.

    Args:
        text: anything, such as the address of a model.
        taken: names in use, in lower case; the new one is added.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:100] or "nameless"
    name, number = stem, 2
    while name.lower() in taken:  # some file systems ignore case
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.lower())
    return name
