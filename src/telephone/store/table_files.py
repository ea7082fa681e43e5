"""Writes the table of a run to a file for other programs."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core.errors import UsageError
from telephone.core.output_files import check_output, write_output

if TYPE_CHECKING:
    import pandas as pd


def _csv(table: "pd.DataFrame") -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def _jsonl(table: "pd.DataFrame") -> bytes:
    text: str = table.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
    return text.encode()


def _parquet(table: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


FORMATS: Mapping[str, Callable[["pd.DataFrame"], bytes]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}


def export(table: "pd.DataFrame", path: str | Path, suffix: str | None = None) -> Path:
    """Writes a table to a file, whole or not at all; the suffix decides the format.

    Args:
        table: such as `Run.frame()` returns.
        path: ends in .csv, .jsonl or .parquet; its folder is created if it is missing.
        suffix: the format, if it is not that of the path: a device or a named pipe may have any name.

    Returns:
        The path.

    Raises:
        UsageError: the suffix is another one, or the path is a folder.
        StoreError: the disk is full or cannot be written.
    """
    target = Path(path)
    form = target.suffix.lower() if suffix is None else suffix
    if form not in FORMATS:
        raise UsageError(f"{target.name} has an unknown format: use a name that ends in one of {', '.join(FORMATS)}.")
    write_output(check_output(target), FORMATS[form](table))
    return target
