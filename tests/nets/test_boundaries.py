"""Every tensor that crosses a public boundary of `nets` says its shape, and the tests check that it keeps its word."""

import ast
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

from telephone import nets
from telephone.nets import diffusion
from telephone.nets.layers import Attention

FILES = sorted(Path(nets.__file__).parent.glob("*.py"))

ALLOWED: dict[str, str] = {}
"""`file.function:parameter` (or `:return`) to the reason why its shape cannot be said."""


def bare_tensors(annotation: ast.expr | None) -> bool:
    """Tells whether an annotation names a tensor without its shape."""
    if annotation is None:
        return False
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return bare_tensors(ast.parse(annotation.value, mode="eval").body)
        except SyntaxError:
            return False
    if isinstance(annotation, ast.Subscript) and isinstance(annotation.slice, ast.Tuple):
        first, *rest = annotation.slice.elts
        shape = rest[0].value if len(rest) == 1 and isinstance(rest[0], ast.Constant) else None
        if isinstance(shape, str) and _is_tensor(first):
            return False
    if _is_tensor(annotation):
        return True
    return any(bare_tensors(child) for child in ast.iter_child_nodes(annotation) if isinstance(child, ast.expr))


def _is_tensor(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.endswith("Tensor")


def public_functions(body, prefix):
    """Yields the public functions of a module, and the public methods of its public classes, with their names."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}.{node.name}")
        elif isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name.startswith("__")):
            yield f"{prefix}.{node.name}", node


def without_shape(source: str, module: str) -> set[str]:
    """Returns the names of parameters and results that are bare tensors."""
    found = set()
    for name, function in public_functions(ast.parse(source).body, module):
        arguments = function.args
        extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]:
            if bare_tensors(argument.annotation):
                found.add(f"{name}:{argument.arg}")
        if bare_tensors(function.returns):
            found.add(f"{name}:return")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_tensor_says_its_shape(file):
    found = without_shape(file.read_text("utf-8"), file.stem)
    assert found <= ALLOWED.keys(), "say the shape with jaxtyping, or give a reason in ALLOWED"


def test_the_allow_list_holds_nothing_that_is_gone():
    found = set().union(*(without_shape(file.read_text("utf-8"), file.stem) for file in FILES))
    assert ALLOWED.keys() <= found


def test_the_search_finds_what_it_should():
    source = """
def good(x: Float[Tensor, "batch"], y: "list[Float[Tensor, 'n m']] | None") -> tuple[Int[torch.Tensor, ""], int]: ...
def bad(x: Tensor, *more: Tensor) -> tuple[Float[Tensor, "n"], Tensor]: ...
def _private(x: Tensor) -> Tensor: ...
class Net:
    def forward(self, x: "Tensor | None", y: list[torch.LongTensor]) -> Mapping[str, Tensor]: ...
"""
    assert without_shape(source, "m") == {
        "m.bad:x", "m.bad:more", "m.bad:return", "m.Net.forward:x", "m.Net.forward:y", "m.Net.forward:return",
    }  # fmt: skip


def test_a_broken_promise_is_caught():
    x0, t = torch.zeros(2, 3), torch.zeros(2)
    with pytest.raises(TypeCheckError):
        diffusion.add_noise(x0, torch.zeros(2, 4), t)
    with pytest.raises(TypeCheckError):
        diffusion.add_noise(x0, x0, torch.zeros(3))
    with pytest.raises(TypeCheckError):
        diffusion.add_noise(x0.long(), x0, t)
    with pytest.raises(TypeCheckError):
        Attention(8, None, 2)(torch.zeros(2, 8))
