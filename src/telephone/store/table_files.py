"""Writes the table of a run to a file for other programs."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.core.errors import UsageError
from telephone.core.output_files import check_output, write_output

if TYPE_CHECKING:
    import pandas as pd


def csv_text(table: "pd.DataFrame") -> str:
    r"""Returns a table as CSV without its index, lines ending in `\n`.

    Texts are quoted where they must be. A carriage return in a text is such a place, but the csv module looks for the
    line end alone: with one anywhere, all texts are quoted.
    """
    texts = table.select_dtypes(exclude=["number", "bool"])
    returns = any(isinstance(value, str) and "\r" in value for _, column in texts.items() for value in column)
    if returns:
        return table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return table.to_csv(index=False, lineterminator="\n")


def _csv(table: "pd.DataFrame") -> bytes:
    return csv_text(table).encode()


def _spreadsheet(table: "pd.DataFrame") -> bytes:
    return _csv(table.map(_plain_cell)).decode().encode("utf-8-sig")


def _plain_cell(value: Any) -> Any:
    """Returns a cell with an apostrophe before a text that a spreadsheet would compute (CSV injection, OWASP)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def _jsonl(table: "pd.DataFrame") -> bytes:
    text: str = table.to_json(orient="records", lines=True, force_ascii=False, double_precision=15)
    return text.encode()


def _parquet(table: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


SPREADSHEET = "spreadsheet"
"""The format of CSV files for spreadsheets, which no ending stands for."""
FORMATS: Mapping[str, Callable[["pd.DataFrame"], bytes]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
"""How texts begin that spreadsheets take for formulas, in full width too."""


def export(table: "pd.DataFrame", path: str | Path, suffix: str | None = None) -> Path:
    """Writes a table to a file, whole or not at all; the suffix decides the format.

    Args:
        table: such as `Run.frame()` returns.
        path: ends in .csv, .jsonl or .parquet; its folder is created if it is missing.
        suffix: the format, if it is not that of the path: a device or a named pipe may have any name. `SPREADSHEET` is
            CSV with a byte order mark, and with an apostrophe before texts that a spreadsheet would compute.

    Returns:
        The path.

    Raises:
        UsageError: the suffix is another one, or the path is a folder.
        StoreError: the disk is full or cannot be written.
    """
    target = Path(path)
    form = target.suffix.lower() if suffix is None else suffix
    if form == SPREADSHEET:
        write_output(check_output(target), _spreadsheet(table))
        return target
    if form not in FORMATS:
        raise UsageError(f"{target.name} has an unknown format: use a name that ends in one of {', '.join(FORMATS)}.")
    write_output(check_output(target), FORMATS[form](table))
    return target
