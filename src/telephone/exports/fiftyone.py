"""A run as a persistent FiftyOne dataset: pictures, texts, vectors and distances, with saved views of its games."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.tables.drift import cosine_distances
from telephone.core.errors import UsageError
from telephone.exports.samples import Saved, open_fiftyone, prompt_hash, put_samples, save_views
from telephone.exports.turns import suffix, turns_with_pictures

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run

_MARK = "telephone_run"

Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class SavedRun:
    """What was written, and where."""

    name: str
    """The dataset's."""
    saved: Saved
    left_out: int
    """Turns without a picture."""
    vectors: tuple[str, ...]
    """The fields that hold vectors."""


def to_fiftyone(run: "Run", name: str, tell: Callable[[str], None] | None = None) -> SavedRun:
    """Writes the turns of a run that have a picture to a persistent dataset; the same run again renews it.

    The fields are those of the notebook, the other columns of the run's table, and for each embedder of the run
    `text_embedding`, `image_embedding`, `text_step_dist` (to the text before), `image_dist` (to the start of the game)
    and `image_step_dist` (to the picture before); from the second embedder on their names end in the embedder's.
    Pictures stay in the run's folder.

    Args:
        run: any run; controls are left out.
        name: of the dataset.
        tell: is given a sentence before something slow.

    Raises:
        UsageError: FiftyOne or its database is not there, or the name belongs to a dataset of something else.
    """
    library = open_fiftyone()
    found = turns_with_pictures(run)
    dataset = _dataset(library, name, str(run.folder.resolve()))
    if tell is not None:
        tell(f"Writing {len(found.table):,} samples to the dataset {name} …")
    measured = _measures(run, found.table)
    saved = put_samples(dataset, _rows(found.table, measured))
    save_views(dataset)
    dataset.info = dataset.info | _about(run)
    dataset.save()
    return SavedRun(name, saved, found.left_out, tuple(field for field in measured if "_embedding" in field))


def _dataset(library: Any, name: str, folder: str) -> Any:
    if not library.dataset_exists(name):
        made = library.Dataset(name, persistent=True)
        made.info = {_MARK: folder}
        made.save()
        return made
    there = library.load_dataset(name)
    if there.info.get(_MARK) != folder:
        raise UsageError(f"FiftyOne has a dataset {name!r} of something else: give another name with --name.")
    return there


def _about(run: "Run") -> dict[str, Any]:
    wish = run.spec
    players = {row.name: row.ref for row in wish.models}
    return {"players": players, "turns": wish.turns, "seed": wish.seed, "versions": dict(wish.versions)}


def _rows(table: "pd.DataFrame", measured: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    plain = table.drop(columns="control")
    for at, row in enumerate(plain.to_dict("records")):
        more = {name: values[at] for name, values in measured.items()}
        yield {str(k): v for k, v in row.items()} | {"prompt_hash": prompt_hash(row["prompt"])} | more


def _measures(run: "Run", table: "pd.DataFrame") -> dict[str, list[Any]]:
    """Returns for each field that comes from vectors the values of all rows; None where there is no vector."""
    fields: dict[str, list[Any]] = {}
    for embedder in run.embedders():
        vectors = run.vectors(embedder)
        for name, values in (_texts(table, vectors) | _images(table, vectors)).items():
            fields[name if name not in fields else name + suffix(embedder.name)] = values
    return fields


def _texts(table: "pd.DataFrame", vectors: Vectors) -> dict[str, list[Any]]:
    made = table["text_sha256"].tolist()
    return _fields("text_embedding", vectors, made, text_step_dist=_before(table, "text"))


def _images(table: "pd.DataFrame", vectors: Vectors) -> dict[str, list[Any]]:
    made, start = table["image_sha256"].tolist(), table["prompt_sha256"].tolist()
    return _fields("image_embedding", vectors, made, image_dist=start, image_step_dist=_before(table, "image"))


def _before(table: "pd.DataFrame", kind: str) -> list[Any]:
    """Returns the text or picture of the turn before; the prompt in the first turn, if it is of the same kind."""
    before = table.groupby("game", sort=False)[f"{kind}_sha256"].shift(1)
    starts = (table["first"] == kind) & (table["step_number"] == 0)
    return before.where(~starts, table["prompt_sha256"]).tolist()


def _fields(name: str, vectors: Vectors, made: list[Any], **others: list[Any]) -> dict[str, list[Any]]:
    """Returns a field of vectors and those of distances, or nothing if the embedder knows nothing of the kind."""
    found = [vectors.get(sha) for sha in made]
    if all(vector is None for vector in found):
        return {}
    fields: dict[str, list[Any]] = {name: found}
    return fields | {field: cosine_distances(vectors, made, other).tolist() for field, other in others.items()}
