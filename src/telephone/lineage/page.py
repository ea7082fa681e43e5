"""The page of the lineage: every operation with pictures, what is seen in them, numbers, curves and a verdict."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape
from PIL import Image

from telephone.core.images import content_hash, to_rgb
from telephone.lineage.result import Estimate, OperationResult, Verdict
from telephone.lineage.running import OperationOutcome
from telephone.lineage.seen_facts import seen_of
from telephone.lineage.table_curves import curve_tables, is_share_column
from telephone.lineage.verdicts import in_words, interval_words, value_words
from telephone.report.html import page as report_page
from telephone.report.html.embedded_images import ImageEncoding, webp
from telephone.report.html.figures import inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

_ENCODING = ImageEncoding(384, 0)
_CRISP = 96
"""Longest side of pictures that are enlarged without smoothing."""
_LARGEST_FILE = 1_500_000
"""Bytes of a film or drawing that is embedded; a larger one is named only."""
_SHOWN_FILES = {".svg": "image/svg+xml", ".webp": "image/webp", ".gif": "image/gif", ".png": "image/png"}
_MODELS = {
    "family": "The whole family",
    "dalle-1": "DALL-E 1",
    "clip": "CLIP",
    "clipdraw": "CLIPDraw",
    "vqgan-clip": "VQGAN-CLIP",
    "glide": "GLIDE",
    "dalle-2": "DALL-E 2 (unCLIP)",
    "stable-diffusion": "Stable Diffusion",
}
_BADGES = {Verdict.HOLDS: "holds", Verdict.FAILS: "fails", Verdict.UNDECIDED: "open", Verdict.IMPOSSIBLE: "none"}


class PagePictures:
    """Gives each distinct picture of a page a CSS class, and the rules that hold the pictures."""

    def __init__(self) -> None:
        """Starts empty."""
        self._classes: dict[str, str] = {}
        self._rules: list[str] = []

    def css_class(self, image: Image.Image) -> str:
        """Returns the class that shows a picture as a background."""
        rgb = to_rgb(image)
        key = content_hash(repr(rgb.size).encode() + rgb.tobytes())
        if key not in self._classes:
            self._classes[key] = name = f"i{len(self._classes)}"
            crisp = ";image-rendering:pixelated" if max(rgb.size) <= _CRISP else ""
            data = base64.b64encode(webp(rgb, _ENCODING)).decode()
            self._rules.append(f".{name}{{background-image:url(data:image/webp;base64,{data}){crisp}}}")
        return self._classes[key]

    def css(self) -> str:
        """Returns the rules of all pictures that were asked for."""
        return "\n".join(self._rules)


@dataclass(frozen=True)
class OperationSection:
    """One operation as the template needs it."""

    outcome: OperationOutcome
    figures: tuple[Markup, ...]
    """Curves as SVG."""
    drawings: tuple[tuple[str, str], ...]
    """Name and data address of files that can be shown."""
    tree: Markup | None = None
    """A diagram over the whole width, above everything else."""

    @property
    def name(self) -> str:
        """The sub-command."""
        return self.outcome.operation.name

    @property
    def badge(self) -> str:
        """CSS class of the verdict."""
        return "failed" if self.outcome.result is None else _BADGES[self.outcome.result.verdict]

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return "failed to run" if self.outcome.result is None else str(self.outcome.result.verdict)


def render_lineage_page(outcomes: Sequence[OperationOutcome], seconds: float) -> str:
    """Returns the page as HTML that loads nothing from the network; every text of a model is escaped.

    Args:
        outcomes: of the operations, in order.
        seconds: wall-clock time of all of them.
    """
    pictures = PagePictures()
    sections = [operation_section(each) for each in outcomes]
    environment = _environment(pictures)
    body = environment.get_template("operations.html.j2").render(sections=sections)
    counts = Counter(section.badge for section in sections if section.name != "family")
    html = environment.get_template("lineage.html.j2").render(
        body=Markup(body),  # noqa: S704 - rendered by the template above, which escapes
        sections=sections,
        counts=[(counts[key], words[counts[key] > 1]) for key, words in _COUNTS.items() if counts[key]],
        verdicts=sum(counts[key] for key in ("holds", "fails", "open")),
        seconds=seconds,
        pictures=Markup(pictures.css()),  # noqa: S704 - base64
    )
    return html.translate(report_page.INVISIBLE)


_COUNTS = {
    "holds": ("claim holds", "claims hold"),
    "fails": ("does not hold", "do not hold"),
    "open": ("not decided", "not decided"),
    "none": ("cannot be shown here", "cannot be shown here"),
    "failed": ("failed to run", "failed to run"),
}
"""For one operation and for several."""


def operation_section(outcome: OperationOutcome) -> OperationSection:
    """Returns an operation with its figures drawn."""
    result = outcome.result
    if result is None:
        return OperationSection(outcome, (), ())
    figures = tuple(_figures(result))
    tree = next((data for name, data in result.files.items() if name == "tree.svg"), None)
    return OperationSection(
        outcome,
        figures,
        tuple(_drawings(result)),
        None if tree is None else Markup(tree.decode()),  # noqa: S704 - written by lineage/family_tree.py
    )


def _figures(result: OperationResult) -> Iterable[Markup]:
    from telephone.plots import value_curves_figure

    for position, (title, rows) in enumerate(result.tables.items()):
        for number, curves in enumerate(curve_tables(title, rows)):
            figure = value_curves_figure(curves.table, curves.options)
            yield inline_svg(figure, f"{result.operation}-{position}-{number}", curves.options.title)


def _drawings(result: OperationResult) -> Iterable[tuple[str, str]]:
    for name, data in result.files.items():
        kind = _SHOWN_FILES.get(Path(name).suffix.lower())
        if kind is not None and name != "tree.svg" and len(data) <= _LARGEST_FILE:
            yield name, f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _environment(pictures: PagePictures) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folders = [Path(__file__).parent / "templates", Path(report_page.__file__).parent / "templates"]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        picture=lambda cell: pictures.css_class(cell.image),
        seen=seen_of,
        value=value_words,
        interval=interval_words,
        bar=interval_bar,
        model=lambda key: _MODELS.get(key, key),
        columns=lambda rows: list(dict.fromkeys(name for row in rows for name in row)),
        cell_words=cell_words,
        is_share=is_share_column,
        plotted=lambda title, rows: bool(curve_tables(title, rows)),
    )
    return environment


def interval_bar(estimate: Estimate) -> str:
    """Returns the CSS variables of the bar of a share; empty for other units."""
    if estimate.unit != "share" or estimate.value is None:
        return ""
    words = f"--x:{100 * estimate.value:.1f}%"
    if estimate.low is not None and estimate.high is not None:
        words += f";--l:{100 * estimate.low:.1f}%;--w:{100 * (estimate.high - estimate.low):.1f}%"
    return words


def cell_words(value: Any, share: bool = False) -> Markup:
    """Returns a value of a table in words; a share in percent."""
    if value is None:
        return Markup("\u2013")
    if share:
        return Markup(in_words(float(value), "share"))
    if isinstance(value, bool):
        return Markup("yes" if value else "no")
    if isinstance(value, float):
        return Markup(f"{value:.3g}".replace("-", "\u2212")) if abs(value) < 1e4 else Markup(f"{value:,.0f}")
    return escape(f"{value:,}" if isinstance(value, int) else str(value))
