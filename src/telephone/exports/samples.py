"""Samples of a FiftyOne dataset, with the field names of the notebook of the original experiment."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from telephone.core.errors import UsageError

FIELDS: Mapping[str, str] = {
    "conversation_name": "StringField",
    "prompt": "StringField",
    "level": "StringField",
    "t2i_model": "StringField",
    "i2t_model": "StringField",
    "step_number": "IntField",
    "text_before": "StringField",
    "text_after": "StringField",
    "prompt_hash": "StringField",
    "text_after_dist": "FloatField",
    "text_embedding": "VectorField",
}
"""The fields of the notebook and their FiftyOne types; other fields are added as needed."""
CONVERSATIONS, ENDINGS = "conversations", "endings"
"""Saved views: turns grouped by game and in order; the last turn of each game, the largest distance first."""
_CHUNK = 1000
_KEY = ("conversation_name", "step_number")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class SampleCounts:
    """Numbers of written samples."""

    added: int
    renewed: int
    """Existing samples whose fields were updated; their tags and other fields are unchanged."""


def open_fiftyone() -> Any:
    """Returns the module `fiftyone`, after checking that its database answers.

    Raises:
        UsageError: it is not installed, or its database does not answer.
    """
    try:
        import fiftyone
    except ImportError as error:
        raise UsageError(
            f"FiftyOne cannot be used here ({error}): install it with `pip install 'ai-telephone[fiftyone]'`."
        ) from error
    try:
        fiftyone.list_datasets()
    except Exception as error:  # noqa: BLE001 - what a database that does not start raises depends on how it fails
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UsageError(f"The database of FiftyOne does not answer ({reason}): see docs/exports.md.") from error
    return fiftyone


def prompt_hash(text: str) -> str:
    """Returns the hash of a prompt as in the notebook: six hexadecimal digits."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:6]


def put_samples(dataset: Any, rows: Iterable[Row]) -> SampleCounts:
    """Writes turns to a dataset; an existing sample with the same conversation and step is updated.

    Args:
        dataset: a `fiftyone.Dataset`.
        rows: values by field name, including `filepath`, `conversation_name` and `step_number`; NaN becomes None, an
            array becomes a vector.
    """
    declare(dataset)
    existing = {tuple(key): id_ for id_, *key in zip(*dataset.values(["id", *_KEY]), strict=True)}
    fresh: list[Row] = []
    known: dict[str, Row] = {}
    for row in map(_clean, rows):
        sample = existing.get(tuple(row[name] for name in _KEY))
        if sample is None:
            fresh.append(row)
        else:
            known[sample] = row
    _add(dataset, fresh)
    _update(dataset, known)
    return SampleCounts(len(fresh), len(known))


def declare(dataset: Any) -> None:
    """Adds the fields of the notebook that the dataset lacks."""
    import fiftyone

    existing = dataset.get_field_schema()
    for name, kind in FIELDS.items():
        if name not in existing:
            dataset.add_sample_field(name, getattr(fiftyone, kind))


def save_views(dataset: Any) -> None:
    """Saves the views `conversations` and `endings`, replacing older ones."""
    from fiftyone import ViewField

    turns = list(zip(*dataset.values(["id", *_KEY]), strict=True))
    last: dict[str, int] = {}
    for _, name, step in turns:
        last[name] = max(step, last.get(name, step))
    ids = [id_ for id_, name, step in turns if last[name] == step]
    endings = dataset.select(ids).sort_by(ViewField("text_after_dist"), reverse=True)
    dataset.save_view(CONVERSATIONS, dataset.group_by("conversation_name", order_by="step_number"), overwrite=True)
    dataset.save_view(ENDINGS, endings, overwrite=True)


def _clean(row: Row) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _add(dataset: Any, rows: Sequence[Row]) -> None:
    import fiftyone

    for start in range(0, len(rows), _CHUNK):
        dataset.add_samples([fiftyone.Sample(**row) for row in rows[start : start + _CHUNK]], progress=False)


def _update(dataset: Any, rows: Mapping[str, Row]) -> None:
    for name in dict.fromkeys(name for row in rows.values() for name in row):
        values = {id_: row[name] for id_, row in rows.items() if name in row}
        if dataset.has_sample_field(name) or any(value is not None for value in values.values()):
            dataset.set_values(name, values, key_field="id", progress=False)
