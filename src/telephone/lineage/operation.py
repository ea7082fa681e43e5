"""The declaration of an operation: its name, the paper and its claim, its options and the function that runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from telephone.lineage.result import OperationResult


class Options(Protocol):
    """A frozen dataclass of an operation's options; each field has a default and becomes an option of the command."""

    __dataclass_fields__: dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation of the DALL-E family."""

    name: str
    """The sub-command, such as `vary`."""
    title: str
    """As a heading, such as `Variations of a picture`."""
    paper: str
    """Authors, year, arXiv number and section, such as `Ramesh et al. 2022, arXiv 2204.06125, section 3.1`."""
    claim: str
    """What the paper says, in one sentence of our own."""
    model: str
    """The member of the family that it belongs to: dalle-1, clip, clipdraw, vqgan-clip, glide or dalle-2."""
    options: type[Options]
    run: Callable[[Any, Any], OperationResult]
    """`run(context, options)`; the context is a `telephone.lineage.context.LineageContext`."""
