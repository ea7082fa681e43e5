"""Runs operations: one with its options, or all of a page, where an operation that fails does not end the others."""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from telephone.core.errors import StoreError, TelephoneError, UnknownModel, WeightsError
from telephone.core.file_names import shell_word
from telephone.lineage.all_operations import load_operation
from telephone.lineage.context import LineageContext
from telephone.lineage.operation import Operation, Options, default_of
from telephone.lineage.result import OperationResult, Verdict


@dataclass(frozen=True)
class OperationOutcome:
    """How an operation of a page ended."""

    operation: Operation
    result: OperationResult | None
    """None if it failed."""
    error: str = ""
    """Why it failed, in one sentence."""
    details: str = ""
    """The end of the traceback of an error that was not expected."""


def run_operation(context: LineageContext, operation: Operation, options: Options | None = None) -> OperationResult:
    """Returns the result of an operation, with its seconds and the command that repeats it.

    Args:
        context: makes the calls of models.
        operation: as `load_operation` returns it.
        options: of the operation's own class; None takes the defaults.

    Weights that are missing are a result: the claim cannot be shown here.

    Raises:
        UsageError: an option cannot be used.
        ModelError: a model failed.
        KeyboardInterrupt: a stop was requested; finished calls are stored.
    """
    given: Any = operation.options() if options is None else options
    clock = time.perf_counter()
    try:
        result = operation.run(context, given)
    except WeightsError as error:
        result = _without_weights(operation, error)
    seconds = result.seconds or time.perf_counter() - clock
    return replace(result, seconds=seconds, command=result.command or command_of(operation, given))


def run_all(
    context: LineageContext, names: Sequence[str], begun: Callable[[int, int, str], None] | None = None
) -> Iterator[OperationOutcome]:
    """Yields the outcome of each operation with its default options.

    Args:
        context: makes the calls of models.
        names: of the operations, in order.
        begun: called before each with its position from 0, the number of operations and its name.

    Raises:
        StoreError: the store cannot be written, so that no further operation can run.
        KeyboardInterrupt: a stop was requested; finished calls are stored.
    """
    for position, name in enumerate(names):
        if begun is not None:
            begun(position, len(names), name)
        operation = load_operation(name)
        try:
            yield OperationOutcome(operation, run_operation(context, operation))
        except StoreError:
            raise
        except UnknownModel as error:
            yield OperationOutcome(operation, _without_weights(operation, error))
        except TelephoneError as error:
            yield OperationOutcome(operation, None, str(error))
        except Exception as error:  # noqa: BLE001 - a page with one failed operation is worth more than none
            details = "".join(traceback.format_exception(error))[-2000:]
            yield OperationOutcome(operation, None, f"{type(error).__name__}: {error}", details)


def _without_weights(operation: Operation, error: TelephoneError) -> OperationResult:
    command = command_of(operation, operation.options())
    return OperationResult(operation.name, Verdict.IMPOSSIBLE, str(error), (), command=command)


def command_of(operation: Operation, options: Options) -> str:
    """Returns the command that repeats an operation with these options; defaults are left out."""
    words = ["telephone", "lineage", operation.name]
    for each in fields(options):
        value = getattr(options, each.name)
        if value != default_of(each):
            words += _option(each.name, value)
    return " ".join(words)


def _option(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{name.replace('_', '-')}"]
    if isinstance(value, tuple | list):
        return [word for each in value for word in (flag, shell_word(str(each)))]
    return [flag, shell_word(value if isinstance(value, Path) else str(value))]
