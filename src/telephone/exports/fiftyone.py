"""Export of a run to a persistent FiftyOne dataset: images, texts, vectors and distances, with saved views."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.tables.drift import cosine_distances
from telephone.core.errors import UsageError
from telephone.exports.samples import SampleCounts, open_fiftyone, prompt_hash, put_samples, save_views
from telephone.exports.turns import suffix, turns_with_images

if TYPE_CHECKING:
    import pandas as pd

    from telephone.store import Run

_MARK = "telephone_run"

Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class SavedDataset:
    """What was written."""

    name: str
    """Name of the dataset."""
    saved: SampleCounts
    left_out: int
    """Turns without an image."""
    vectors: tuple[str, ...]
    """Names of the fields with vectors."""


def to_fiftyone(run: "Run", name: str, notify: Callable[[str], None] | None = None) -> SavedDataset:
    """Writes the turns of a run that have an image to a persistent dataset; repeating the export updates it.

    The fields are those of the notebook, the other columns of the run's table, and for each embedder of the run
    `text_embedding`, `image_embedding`, `text_step_dist` (to the text before), `image_dist` (to the start of the game)
    and `image_step_dist` (to the image before); the fields of further embedders end in the name of the embedder. The
    image files stay in the run's folder.

    Args:
        run: any run; controls are left out.
        name: name of the dataset.
        notify: called with a message before a slow step.

    Raises:
        UsageError: FiftyOne or its database is not available, or the dataset belongs to something else.
    """
    library = open_fiftyone()
    found = turns_with_images(run)
    dataset = _dataset(library, name, str(run.folder.resolve()))
    if notify is not None:
        notify(f"Writing {len(found.table):,} samples to the dataset {name} …")
    measured = _measures(run, found.table)
    saved = put_samples(dataset, _rows(found.table, measured))
    save_views(dataset)
    dataset.info = dataset.info | _about(run)
    dataset.save()
    return SavedDataset(name, saved, found.left_out, tuple(field for field in measured if "_embedding" in field))


def _dataset(library: Any, name: str, folder: str) -> Any:
    if not library.dataset_exists(name):
        made = library.Dataset(name, persistent=True)
        made.info = {_MARK: folder}
        made.save()
        return made
    found = library.load_dataset(name)
    if found.info.get(_MARK) != folder:
        raise UsageError(f"FiftyOne has another dataset named {name!r}: choose another name with --name.")
    return found


def _about(run: "Run") -> dict[str, Any]:
    spec = run.spec
    models = {row.name: row.ref for row in spec.models}
    return {"players": models, "turns": spec.turns, "seed": spec.seed, "versions": dict(spec.versions)}


def _rows(table: "pd.DataFrame", measured: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    plain = table.drop(columns="control")
    for at, row in enumerate(plain.to_dict("records")):
        more = {name: values[at] for name, values in measured.items()}
        yield {str(k): v for k, v in row.items()} | {"prompt_hash": prompt_hash(row["prompt"])} | more


def _measures(run: "Run", table: "pd.DataFrame") -> dict[str, list[Any]]:
    """Returns the values of all rows for each field made from vectors; None where there is no vector."""
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
    """Returns the text or image of the turn before; in the first turn the prompt, if it is of the same kind."""
    before = table.groupby("game", sort=False)[f"{kind}_sha256"].shift(1)
    starts = (table["first"] == kind) & (table["step_number"] == 0)
    return before.where(~starts, table["prompt_sha256"]).tolist()


def _fields(name: str, vectors: Vectors, made: list[Any], **others: list[Any]) -> dict[str, list[Any]]:
    """Returns a field of vectors and the fields of distances; nothing if the embedder has no vectors of the kind."""
    found = [vectors.get(sha) for sha in made]
    if all(vector is None for vector in found):
        return {}
    fields: dict[str, list[Any]] = {name: found}
    return fields | {field: cosine_distances(vectors, made, other).tolist() for field, other in others.items()}
