"""Small operations for the tests of the page and of the command: they work, fail, break and lack weights."""

import importlib.machinery
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.lineage import all_operations
from telephone.lineage.context import LineageContext
from telephone.lineage.operation import Operation
from telephone.lineage.result import Cell, OperationResult, Strip
from telephone.lineage.verdicts import Threshold, judge_share


@dataclass(frozen=True)
class RedrawOptions:
    """Options of the test operation."""

    n: int = 8
    """How many held-out scenes."""
    model: str = "oracle/renderer"
    """Address of a text-to-image model."""
    picture: Path | None = None
    """A picture of one's own."""
    words: tuple[str, ...] = ()
    """Words to draw as well."""
    exact: bool = True
    """Whether the true pictures are shown."""
    scale: float = 1.5
    """A number."""


def redraw(context: LineageContext, options: RedrawOptions) -> OperationResult:
    """Draws held-out scenes, and says how many facts are kept."""
    if options.scale < 0:
        raise UsageError("scale is below 0: give 0 or more.")
    scenes = context.scenes("easy", options.n)
    texts = [world.caption(scene) for scene in scenes] + list(options.words)
    images = context.draw(options.model, texts, list(range(len(texts))))
    seen = context.read(images)
    kept = [world.compare(truth, own).recall or 0.0 for truth, own in zip(scenes, seen, strict=False)]
    found = judge_share("facts kept", kept, Threshold(0.6), "scenes")
    strips = [
        Strip((Cell(image, "drawn <b>", own, note="a note"), Cell(image, "again")), text, truth)
        for image, own, text, truth in zip(images, seen, texts, scenes, strict=False)
    ]
    curve = [{"theta": at / 4, "facts kept": 1 - at / 8, "low": 0.8 - at / 8, "high": 1.0} for at in range(5)]
    return OperationResult(
        "redraw", found.verdict, found.reason, (found.estimate,), tuple(strips),
        {"Facts by theta": curve, "Other": [{"name": "<i>", "works": True, "value": None}]},
        files={"drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}, notes=("A reservation.",),
    )  # fmt: skip


def fail(context: LineageContext, options: RedrawOptions) -> OperationResult:
    """Fails with an error of the package."""
    raise UsageError("The weights of <this> model are not installed: run make install.")


def crash(context: LineageContext, options: RedrawOptions) -> OperationResult:
    """Fails with an error that nobody expected."""
    raise ZeroDivisionError("division by zero")


def lack(context: LineageContext, options: RedrawOptions) -> OperationResult:
    """Needs weights that are not installed."""
    raise WeightsError("The weights of glide are not installed: run `telephone learn glide`.")


PAPER = "Nobody et al. 2020, arXiv 0000.00000"


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts these operations in place of those of the package."""
    names = {"redraw": redraw, "fail": fail, "crash": crash, "lack": lack}
    for name, run in names.items():
        module = types.ModuleType(f"telephone.lineage.{name}")
        module.__spec__ = importlib.machinery.ModuleSpec(module.__name__, None)
        module.OPERATION = Operation(  # type: ignore[attr-defined]
            name, f"To {name}", PAPER, f"A claim about {name}.", "dalle-2", RedrawOptions, run
        )
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(all_operations, "OPERATIONS", tuple(names))
