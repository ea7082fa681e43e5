"""The report as one HTML file: content laid out by templates, with nothing to load from the network."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core.output_files import write_output
from telephone.plots import Encoding
from telephone.report.html.chosen_games import featured, opening_game
from telephone.report.html.embedded_images import BUDGET, EmbeddedImages
from telephone.report.html.figures import FigureBlock, draw_section, is_wide
from telephone.report.html.report_data import LeaderboardTable, ReportData
from telephone.report.media.canvas import ImageCache, missing_reason
from telephone.report.turn_spans import turn_spans

if TYPE_CHECKING:
    from jinja2 import Environment

    from telephone.report.games import PlayedGame

INVISIBLE = dict.fromkeys(
    [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "·",
)
"""Control characters, and marks that reverse the order of texts: a prompt or a model may contain them. A dot stands in
place of each, as in a terminal."""

SECTIONS = {
    "questions": "Questions",
    "leaderboards": "Leaderboards",
    "curves": "Curves",
    "losses": "Losses",
    "endings": "Endings",
    "featured": "Three games",
    "claims": "The article",
    "judges": "Judges",
    "controls": "Controls",
    "games": "All games",
    "settings": "Settings",
}
"""Key (the id of the section in HTML) and navigation title, in the order of the page."""


def write_page(data: ReportData, path: Path, budget: int = BUDGET) -> Path:
    """Writes a report as one HTML file that loads nothing from the network, and returns its path.

    Args:
        data: The content of the report.
        path: The file; an older one is replaced atomically.
        budget: Largest number of bytes of all images together.

    Raises:
        StoreError: the file cannot be written.
    """
    write_output(path, render_page(data, budget).encode(errors="backslashreplace"))
    return path


def render_page(data: ReportData, budget: int = BUDGET, cache: ImageCache | None = None) -> str:
    """Returns a report as HTML. Every text that comes from a model is escaped: it is data, never markup.

    Args:
        data: The content of the report.
        budget: Largest number of bytes of all images together.
        cache: Decoded images; a new cache if None.
    """
    paths = [
        *(motif.image for motif in data.motifs),
        *(turn.image for game in data.games for turn in game.turns),
    ]
    encoding = Encoding.of(data.models("t2i"), data.models("i2t"))
    figures = {section: draw_section(section, data.figures, data.levels, encoding) for section in SECTIONS}
    template = _environment().get_template("report.html.j2")
    html = template.render(
        data=data,
        names=data.names,
        images=EmbeddedImages(paths, budget, cache),
        opening=opening_game(data.games),
        featured=featured(data.games),
        gallery=_gallery(data.games),
        filters=_filters(data),
        images_in_row=_images_in_row(data.games),
        navigation=[(key, SECTIONS[key]) for key in _shown_sections(data, figures)],
        figures=figures,
    )
    return html.translate(INVISIBLE)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        missing_reason=missing_reason,
        best=_best,
        percent=_percent,
        css_percent=_css_percent,
        is_wide=is_wide,
        turn_spans=turn_spans,
        verdict_class=_verdict_class,
    )
    return environment


def _images_in_row(games: tuple[PlayedGame, ...]) -> int:
    """Returns the number of small images in a row: all of a game, if they are few enough to be recognised."""
    longest = max((len(game.turns) for game in games), default=1)
    return longest if 4 <= longest <= 12 else 10


def _best(board: LeaderboardTable, level: str) -> float | None:
    means = [row.cells[level].mean for row in board.rows if level in row.cells]
    return (max if board.share else min)(means) if len(means) > 1 else None


def _percent(share: float) -> str:
    return f"{100 * max(share, 0.0):.0f}\u00a0%"


def _css_percent(share: float) -> str:
    """Returns a share as a CSS length; estimates slightly below 0 are shown as 0."""
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%"


def _verdict_class(verdict: str) -> str:
    """Returns the CSS class of a verdict; any other than the two clear ones is open."""
    return {"holds": "holds", "does not hold": "fails"}.get(verdict, "open")


def _shown_sections(data: ReportData, figures: dict[str, list[FigureBlock]]) -> list[str]:
    """Returns the keys of the sections that this report has."""
    optional = {
        "losses": data.losses is not None,
        "endings": data.endings is not None,
        "claims": bool(data.observations),
        "judges": data.judge_checks is not None,
        "controls": bool(data.controls),
    }
    return [key for key in SECTIONS if optional.get(key, True) or figures[key]]


def _gallery(games: tuple[PlayedGame, ...]) -> list[tuple[str, list[list[PlayedGame]]]]:
    """Groups sorted games by level and then by prompt."""
    return [
        (level, [list(own) for _, own in groupby(group, key=lambda game: (game.prompt, game.first))])
        for level, group in groupby(games, key=lambda game: game.level)
    ]


def _filters(data: ReportData) -> list[tuple[str, str, list[tuple[str, str]]]]:
    names = data.names
    outcomes = [
        name for name in ("ok", "failed", "refused", "pending") if any(game.outcome == name for game in data.games)
    ]
    filters = [
        ("Level", "level", [(level, level) for level in data.levels]),
        ("Text-to-image", "t2i", [(name, names[name]) for name in data.models("t2i")]),
        ("Image-to-text", "i2t", [(name, names[name]) for name in data.models("i2t")]),
        ("Outcome", "outcome", [(name, name) for name in outcomes]),
    ]
    return [each for each in filters if len(each[2]) > 1]
