"""A run in a format for another tool, and its report."""

from collections.abc import Callable
from pathlib import Path

from telephone.core.errors import UsageError
from telephone.core.file_names import text_of
from telephone.core.output_files import check_output, is_stream
from telephone.pipeline.battles import open_battle
from telephone.pipeline.results import (
    DriftExport,
    ExportResult,
    FiftyOneExport,
    ImageFolderExport,
    MggExport,
    PreferenceExport,
    ReportResult,
    TableExport,
)
from telephone.store import Run
from telephone.store import export as write_table
from telephone.store.table_files import SPREADSHEET

FILE_FORMATS = ("csv", "jsonl", "parquet")
FOLDER_FORMATS = ("datasets", "drift", "mgg", "preferences")
FORMATS = (*FILE_FORMATS, *FOLDER_FORMATS, "fiftyone")


def report(folder: str | Path, path: str | Path | None = None, distance_judge: str | None = None) -> ReportResult:
    """Writes the report of a run: one HTML file with tables, figures and every game.

    Args:
        folder: the run's folder; the run may be unfinished or not judged.
        path: the HTML file; None is `report.html` in the folder.
        distance_judge: part of the name of the judge whose distances are shown; None is the first one.

    Raises:
        UsageError: there is no run in the folder, or no judge has such a name.
        StoreError: the run cannot be read, or the file cannot be written.
    """
    from telephone.report import write_report

    if path is not None:
        check_output(Path(path))
    with open_battle(folder) as run:
        return ReportResult(run.folder, write_report(run, path, distance_judge))


def export(
    folder: str | Path,
    to: str | None = None,
    output: str | Path | None = None,
    *,
    name: str | None = None,
    spreadsheet: bool = False,
    message: Callable[[str], None] | None = None,
) -> ExportResult:
    """Writes a run for another tool.

    Args:
        folder: the run's folder.
        to: `csv`, `jsonl` or `parquet` (a table with one row a turn), `datasets` (a Hugging Face image folder), `drift`
            (the folders of the published drift scorer), `mgg` (those of the published scorer of multi-generation
            GenEval), `preferences` (pairs of answers to the same input) or `fiftyone` (a persistent dataset); None is
            the ending of `output`, or csv.
        output: the file or folder; None is one in the current folder, named after the run's folder.
        name: of the FiftyOne dataset; None is `telephone-FOLDER`.
        spreadsheet: whether a CSV file is for a spreadsheet: with a byte order mark, and an apostrophe before texts
            that would be computed as formulas.
        message: called with a sentence before something slow.

    Raises:
        UsageError: the format is unknown, the arguments contradict each other, or there is no run in the folder.
        StoreError: the run cannot be read, or the output cannot be written.
    """
    folder, output = Path(folder), None if output is None else Path(output)
    form = export_format(to, output)
    if name is not None and form != "fiftyone":
        raise UsageError("--name names a FiftyOne dataset: give --to fiftyone with it.")
    if spreadsheet and form != "csv":
        raise UsageError("--spreadsheet is about CSV files: give --to csv with it.")
    with open_battle(folder) as run:
        if form == "fiftyone":
            return _fiftyone(run, name or f"telephone-{text_of(folder.resolve().name)}", output, message)
        if form in FOLDER_FORMATS:
            return _folder(run, form, output or Path(f"{folder.resolve().name}-{form}"))
        return _file(run, _path(folder, form, output), SPREADSHEET if spreadsheet else f".{form}")


def export_format(to: str | None, output: Path | None) -> str:
    """Returns the format that is named, or that of the output's ending.

    Raises:
        UsageError: it is none of `FORMATS`.
    """
    ending = output.suffix.lower().lstrip(".") if output is not None else ""
    form, known = (to, FORMATS) if to else (ending or "csv", FILE_FORMATS)
    if form not in known:
        raise UsageError(f"{form!r} is no format that can be written: use one of {', '.join(known)}.")
    return form


def _path(folder: Path, form: str, output: Path | None) -> Path:
    if output is None:
        return Path(f"{folder.resolve().name}.{form}")
    if is_stream(output):
        return output
    if not output.suffix:
        return output.with_name(f"{output.name}.{form}")
    if output.suffix.lower() != f".{form}":
        raise UsageError(f"{output.name} ends in {output.suffix} but --to is {form}: give one of the two.")
    return output


def _file(run: Run, path: Path, suffix: str) -> TableExport:
    check_output(path)
    table = run.frame()
    write_table(table, path, suffix)
    return TableExport(path, len(table), len(table.columns))


def _folder(run: Run, form: str, target: Path) -> ExportResult:
    from telephone.exports import to_drift, to_imagefolder, to_mgg, to_preferences

    if form == "datasets":
        turns = to_imagefolder(run, target)
        return ImageFolderExport(target, len(turns.table), turns.left_out)
    if form == "mgg":
        folders = to_mgg(run, target)
        return MggExport(target, folders.lines, folders.games, folders.left_out)
    if form == "preferences":
        found = to_preferences(run, target)
        return PreferenceExport(target, found.pairs, found.ties, found.unscored)
    made = to_drift(run, target)
    return DriftExport(target, made.lines, made.games, made.generations, made.left_out)


def _fiftyone(run: Run, name: str, output: Path | None, message: Callable[[str], None] | None) -> FiftyOneExport:
    from telephone.exports import to_fiftyone

    if output is not None:
        raise UsageError("FiftyOne keeps its datasets itself: leave --output out, and give a name with --name.")
    made = to_fiftyone(run, name, message)
    return FiftyOneExport(name, made.saved.added, made.saved.renewed, made.left_out, made.vectors)
