"""`telephone.search.open`: a library that is open for queries, with one method that takes every form of a query."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from telephone.search.query import Query, Searcher, open_searcher
from telephone.search.query_parts import QueryPart, file_part, text_parts
from telephone.search.query_result import SearchResult

ImageLike = Image.Image | str | os.PathLike[str] | int
"""A picture, the path of a file, or the id of a picture of the library."""


class OpenLibrary:
    """A library that is open for queries; use it in a `with` block, or close it."""

    def __init__(self, folder: Path) -> None:
        """Opens it; raises as `search.open` does."""
        self.searcher: Searcher = open_searcher(folder)

    def query(
        self,
        text: str = "",
        image: ImageLike | Sequence[ImageLike] | Mapping[ImageLike, float] | None = None,
        where: str = "",
        k: int = 10,
        **options: Any,
    ) -> SearchResult:
        """Answers a query.

        Args:
            text: words in English or Chinese: `beach --not people`, `red apple:2 | boat`.
            image: one picture or several; with weights as a mapping, below 0 for what is not wanted.
            where: a filter, such as `orientation=landscape and colour(red)>=20%`.
            k: pictures at most.
            **options: further fields of `Query`: offset, encoders, keywords, diversity, fold, exact, refuse.

        Returns:
            The result; `.table()` has paths and scores, `.hits` explanations and thumbnails.

        Raises:
            UsageError: the query cannot be answered; the message says what to change.
            ModelError: a file is no picture.
        """
        parts = (*text_parts(text), *image_parts(image))
        return self.searcher.search(Query(parts, where, k, **options))

    def close(self) -> None:
        """Closes the library."""
        self.searcher.library.close()

    def __enter__(self) -> "OpenLibrary":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def image_parts(image: ImageLike | Sequence[ImageLike] | Mapping[ImageLike, float] | None) -> list[QueryPart]:
    """Returns the parts of a query for pictures; raises as `OpenLibrary.query` does."""
    if image is None:
        return []
    if isinstance(image, Mapping):
        return [replace(_image_part(each), weight=float(weight)) for each, weight in image.items()]
    if isinstance(image, (Image.Image, str, os.PathLike, int)):
        return [_image_part(image)]
    return [_image_part(each) for each in image]


def _image_part(image: ImageLike) -> QueryPart:
    if isinstance(image, Image.Image):
        return QueryPart(image=image)
    return QueryPart(id=image) if isinstance(image, int) else file_part(Path(image))
