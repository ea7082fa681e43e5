"""What a command of the lineage prints: the verdict, the numbers and the tables, or one JSON document."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.cli.formatting import visible
from telephone.cli.output import console, echo, print_json, print_warning, styled
from telephone.cli.tables import table

if TYPE_CHECKING:
    from telephone.lineage.result import Estimate, OperationResult
    from telephone.lineage.running import OperationOutcome

_COLOURS = {"holds": "green", "does not hold": "red"}


def print_operation(result: "OperationResult", written: Path | None, json: bool) -> None:
    """Prints the result of an operation.

    Args:
        result: of the operation.
        written: the file with its pictures, None if there is none.
        json: prints one JSON document in place of tables.
    """
    from telephone.lineage.table_curves import is_share_column

    if json:
        print_json(document(result, written))
        return
    verdict = str(result.verdict)
    shown = styled(verdict[:1].upper() + verdict[1:], bold=True, fg=_COLOURS.get(verdict, "yellow"))
    echo(f"{shown}. {visible(result.reason)}")
    _print_rows("", ("measured", "value", "95 % interval", "n"), [_words(each) for each in result.measures])
    for title, rows in result.tables.items():
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        shares = {name for name in columns if is_share_column(title, name, rows)}
        _print_rows(title, columns, [[_cell(row.get(name), name in shares) for name in columns] for row in rows])
    for note in result.notes:
        print_warning(visible(note))
    echo(f"{result.command}, {result.seconds:.1f} s" + ("" if written is None else f": {written}"))


def document(result: "OperationResult", written: Path | None = None) -> dict[str, Any]:
    """Returns a result as plain values; pictures are named by their titles and notes, with what is seen in them."""
    from telephone import world

    strips = [
        {
            "title": strip.title,
            "truth": None if strip.truth is None else world.caption(strip.truth),
            "pictures": [
                {
                    "title": cell.title,
                    "note": cell.note,
                    "seen": None if cell.scene is None else world.caption(cell.scene),
                }
                for cell in strip.cells
            ],
        }
        for strip in result.strips
    ]
    return {
        "operation": result.operation,
        "verdict": str(result.verdict),
        "reason": result.reason,
        "measures": [asdict(each) for each in result.measures],
        "tables": result.tables,
        "strips": strips,
        "notes": list(result.notes),
        "command": result.command,
        "seconds": result.seconds,
        "file": None if written is None else str(written),
    }


def outcome_document(outcome: "OperationOutcome") -> dict[str, Any]:
    """Returns an outcome as plain values; a failed operation has no verdict."""
    if outcome.result is not None:
        return document(outcome.result)
    return {"operation": outcome.operation.name, "verdict": None, "reason": outcome.error}


def _words(estimate: "Estimate") -> list[str]:
    from telephone.lineage.verdicts import interval_words, value_words

    if estimate.value is None:
        return [estimate.name, "", estimate.note, str(estimate.n)]
    return [estimate.name, value_words(estimate), interval_words(estimate), str(estimate.n)]


def _print_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    made = table(*columns, title=visible(title), names=columns[:1])
    for row in rows:
        made.add_row(*(visible(cell) for cell in row))
    echo()
    console().print(made)


def _cell(value: Any, share: bool = False) -> str:
    from telephone.lineage.verdicts import in_words

    if value is None:
        return ""
    if share:
        return in_words(float(value), "share")
    return f"{value:.3g}" if isinstance(value, float) else str(value)
