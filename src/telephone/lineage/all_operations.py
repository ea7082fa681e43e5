"""All operations of the lineage by name, in the order of the page; a module is imported when it is used."""

import importlib
import importlib.util

from telephone.core.errors import UsageError
from telephone.lineage.operation import Operation
from telephone.models.provider import suggestion

OPERATIONS = (
    "family",
    "reconstruct",
    "complete",
    "rerank",
    "classify",
    "probe",
    "sketch",
    "dream",
    "guide",
    "inpaint",
    "edit",
    "vary",
    "between",
    "textdiff",
    "components",
    "ablate",
    "attack",
    "bind",
    "tokens",
    "causes",
)
"""Names of the operations, which are those of their modules and of the sub-commands."""


def available() -> tuple[str, ...]:
    """Returns the names of the operations whose module exists; nothing is imported."""
    return tuple(name for name in OPERATIONS if importlib.util.find_spec(_module(name)) is not None)


def load_operation(name: str) -> Operation:
    """Returns an operation by its name.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in available():
        known = ", ".join(available())
        raise UsageError(f"There is no operation {name!r}.{suggestion(name, available())} The operations are: {known}.")
    operation = importlib.import_module(_module(name)).OPERATION
    assert isinstance(operation, Operation)
    return operation


def _module(name: str) -> str:
    return f"telephone.lineage.{name}"
