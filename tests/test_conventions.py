"""Conventions that neither the linter nor the type checker knows: names, words, sizes."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "telephone"
METAPHORS = (
    "told", "nobody", "somebody", "purse", "yardstick", "yardsticks", "wondering", "whence", "thither", "likewise",
    "wherefore", "anew", "sitting", "sittings", "guest", "guests", "dawdle", "lets us down", "let us down", "parted by",
    "at hand",
)  # fmt: skip
"""Words of earlier versions that a reader had to decode; plain technical terms have taken their place."""
DATA = {
    ("src/telephone/world/synonyms.py", "somebody"),
    ("src/telephone/world/synonyms.py", "nobody"),
    ("src/telephone/world/synonyms.py", "sitting"),
    ("src/telephone/world/grammar.py", "somebody"),
    ("src/telephone/models/synthetic/controls.py", "sitting"),
    ("src/telephone/judge/calibration.py", "yardstick"),
    ("src/telephone/store/format_4.py", "yardstick"),
    ("src/telephone/store/records.py", "yardstick"),
    ("src/telephone/analysis/tables/run_comparison.py", "told"),
    ("src/telephone/cli/compare.py", "told"),
    ("src/telephone/cli/leaderboard_tables.py", "told"),
    ("src/telephone/_moved.py", "wondering"),
    ("src/telephone/_moved.py", "yardsticks"),
    ("src/telephone/_moved.py", "sitting"),
    ("src/telephone/_moved.py", "guests"),
    ("src/telephone/_moved.py", "guest"),
    ("src/telephone/analysis/__init__.py", "yardsticks"),
}
"""Files in which a word is data: a caption of the drawn world, a label of stored seeds, a key of JSON
output, or a former name that an error message explains."""
MAX_FUNCTION = 60
MAX_COMMAND_FILE = 120
"""Lines."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_source_and_docs_use_standard_terms() -> None:
    files = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.j2"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    files = [path for path in files if path.name != "CHANGELOG.md"]
    pattern = re.compile(r"\b(" + "|".join(METAPHORS) + r")\b", re.IGNORECASE)
    found = [
        f"{name(path)}:{number}: {match}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for match in pattern.findall(line)
        if (name(path), match.lower()) not in DATA
    ]
    assert not found, "\n".join(found)


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict(list)
    for path, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name(path))
    assert not {cls: paths for cls, paths in places.items() if len(paths) > 1}


def test_no_package_exports_a_name_that_one_of_its_modules_has() -> None:
    shadowed = {}
    for path, tree in modules():
        if path.name != "__init__.py" or path.parent == SOURCE:
            continue
        own = {each.stem for each in path.parent.iterdir() if each.suffix == ".py" or (each / "__init__.py").exists()}
        bound = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            and node.module != ".".join(path.parent.relative_to(SOURCE.parent).parts)
            for alias in node.names
        }
        if clash := own & bound:
            shadowed[name(path)] = sorted(clash)
    assert not shadowed


def test_functions_are_short() -> None:
    long = [
        f"{name(path)}: {node.name} has {lines} lines"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
        if (lines := node.end_lineno - node.body[0].lineno + 1) > MAX_FUNCTION  # without the signature
    ]
    assert not long, "\n".join(long)


def test_commands_parse_and_print_only() -> None:
    long = {
        name(path): lines
        for path in (SOURCE / "cli").glob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_COMMAND_FILE
    }
    assert not long
