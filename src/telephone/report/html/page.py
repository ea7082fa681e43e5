"""The report as one file: tables, figures, games and words laid out by templates, with nothing to fetch."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.plots import Encoding
from telephone.report.html import svg_figures
from telephone.report.html.image_album import BUDGET, Album
from telephone.report.html.report_data import Board, ReportData, featured
from telephone.report.html.svg_figures import players
from telephone.report.media.canvas import trouble
from telephone.report.media.files import write_atomic

if TYPE_CHECKING:
    from jinja2 import Environment

    from telephone.report.games import PlayedGame


def write_page(data: ReportData, path: Path, budget: int = BUDGET) -> Path:
    """Writes a report as one HTML file that loads nothing from outside, and returns its path.

    Args:
        data: What the report says.
        path: The file; it is replaced whole or not at all.
        budget: Highest number of bytes of all pictures together.
    """
    write_atomic(path, page(data, budget).encode())
    return path


def page(data: ReportData, budget: int = BUDGET) -> str:
    """Returns a report as HTML. Every text of a player is escaped: it is data, never markup."""
    pictures = [
        *(motif.picture for motif in data.motifs),
        *(turn.picture for game in data.games for turn in game.turns),
    ]
    album = Album(pictures, budget)
    encoding = Encoding.of(players(data, "t2i"), players(data, "i2t"))
    template = _environment().get_template("report.html.j2")
    return template.render(
        data=data,
        names=data.names,
        album=album,
        hero=_hero(data.games),
        featured=featured(data.games),
        gallery=_gallery(data.games),
        filters=_filters(data),
        in_row=_in_row(data.games),
        nav=_nav(data),
        drift_figures=svg_figures.drift(data, encoding),
        facts_figures=svg_figures.facts(data, encoding),
        heat_figures=svg_figures.heat(data),
        draw=svg_figures.figures,
    )


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
    environment.globals.update(trouble=trouble, best=_best, percent=_percent, place=_place)
    return environment


def _hero(games: tuple[PlayedGame, ...]) -> PlayedGame | None:
    """Picks the game that opens the page: an ordinary one with a short sentence, or none if nothing is scored."""
    ranked = sorted((game for game in games if game.distance is not None), key=lambda game: game.distance or 0.0)
    middle = ranked[len(ranked) // 4 : max(1, len(ranked) * 3 // 4)]
    return min(middle, key=lambda game: (game.first != "text", len(game.prompt), game.name), default=None)


def _in_row(games: tuple[PlayedGame, ...]) -> int:
    """Returns how many small pictures stand in a row: those of a game, if they are few enough to be seen."""
    longest = max((len(game.turns) for game in games), default=1)
    return longest if 4 <= longest <= 12 else 10


def _best(board: Board, level: str) -> float | None:
    means = [row.cells[level].mean for row in board.rows if level in row.cells]
    return (max if board.share else min)(means) if len(means) > 1 else None


def _percent(share: float) -> str:
    return f"{100 * max(share, 0.0):.0f}\u00a0%"


def _place(share: float) -> str:
    """Returns where on a bar a share stands, in CSS; a little below 0 is an estimate of 0."""
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%"


def _nav(data: ReportData) -> list[tuple[str, str]]:
    """Returns key and title of the sections that this report has, in their order."""
    wanted = [
        ("questions", "Questions", True), ("boards", "Leaderboards", True), ("curves", "Curves", True),
        ("lost", "Losses", data.lost is not None), ("ends", "Ends", data.ends is not None),
        ("three", "Three games", True),
        ("claims", "The article", bool(data.observations)), ("judges", "Judges", data.judged is not None),
        ("games", "All games", True), ("settings", "Settings", True),
    ]  # fmt: skip
    return [(key, title) for key, title, there in wanted if there]


def _gallery(games: tuple[PlayedGame, ...]) -> list[tuple[str, list[list[PlayedGame]]]]:
    """Groups sorted games by level and then by prompt."""
    return [
        (level, [list(own) for _, own in groupby(group, key=lambda game: (game.prompt, game.first))])
        for level, group in groupby(games, key=lambda game: game.level)
    ]


def _filters(data: ReportData) -> list[tuple[str, str, list[tuple[str, str]]]]:
    names: dict[str, Any] = data.names
    outcomes = [
        name for name in ("ok", "failed", "refused", "pending") if any(game.outcome == name for game in data.games)
    ]
    filters = [
        ("Level", "level", [(level, level) for level in data.levels]),
        ("Draws", "t2i", [(name, names[name]) for name in players(data, "t2i")]),
        ("Describes", "i2t", [(name, names[name]) for name in players(data, "i2t")]),
        ("Ended", "outcome", [(name, name) for name in outcomes]),
    ]
    return [each for each in filters if len(each[2]) > 1]
