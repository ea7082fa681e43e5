"""Libraries of pictures: indexed once, searched by words, by pictures, by colour and by properties."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from telephone.search.open_library import OpenLibrary


def open(path: "str | os.PathLike[str]") -> "OpenLibrary":  # noqa: A001 - `search.open`, as `gzip.open`
    """Opens a library of pictures for queries.

    Raises:
        UsageError: there is none in the folder.
        StoreError: it cannot be opened.
    """
    from pathlib import Path

    from telephone.search.open_library import OpenLibrary

    return OpenLibrary(Path(path))
