"""The command line parses and prints: its files are short, and every call goes through the pipeline."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "src" / "telephone" / "cli"
FILES = sorted(FOLDER.glob("*.py"))
LOWER = (
    "telephone.battle",
    "telephone.engine",
    "telephone.judge",
    "telephone.store",
    "telephone.analysis",
    "telephone.exports",
)
"""Packages that the command line uses through the pipeline alone; names for type checkers are no use."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_command_calls_the_pipeline(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    skipped = {id(inner) for node in typing_only for inner in ast.walk(node)}
    found = [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and id(node) not in skipped and (node.module or "").startswith(LOWER)
    ]
    allowed = {"telephone.battle"} if path.stem == "throughput" else set()  # the events that it counts
    assert set(found) <= allowed, f"{path.name} imports {found}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_command_is_short(path):
    """A long file is allowed where most of it is options."""
    lines = path.read_text(encoding="utf-8").splitlines()
    tree = ast.parse("\n".join(lines))
    commands = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "command"]
    options = sum(node.body[0].lineno - node.lineno for node in commands)
    assert len(lines) - options <= 120, f"{path.name}: {len(lines)} lines, {options} of them options"
