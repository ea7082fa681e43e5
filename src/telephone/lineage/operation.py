"""The declaration of an operation: its name, the paper and its claim, its options and the function that runs it."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass
from typing import Any, ClassVar, Protocol

from telephone.lineage.result import OperationResult


class Options(Protocol):
    """A frozen dataclass of an operation's options; each field has a default and becomes an option of the command."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


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


def default_of(option: Field[Any]) -> Any:
    """Returns the default of a field of options."""
    if option.default is not MISSING:
        return option.default
    return None if option.default_factory is MISSING else option.default_factory()


def field_docs(options: type) -> dict[str, str]:
    """Returns the text below each field of a dataclass, in one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(options))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found, name = {}, ""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[name] = " ".join(str(node.value.value).split())
            name = ""
    return found
