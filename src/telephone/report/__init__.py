"""What people look at: one HTML file of a run, and a game as a film strip or a short film."""

from telephone.report.animate import animate
from telephone.report.build import report_data, write_report
from telephone.report.film import Pace, best_format
from telephone.report.games import Game, Turn, games_of
from telephone.report.grid import animate_grid
from telephone.report.html import write_page
from telephone.report.model import Answer, Board, BoardRow, Cell, Count, ReportData, Share, board
from telephone.report.strips import StripStyle, film_strip

__all__ = [
    "Answer",
    "Board",
    "BoardRow",
    "Cell",
    "Count",
    "Game",
    "Pace",
    "ReportData",
    "Share",
    "StripStyle",
    "Turn",
    "animate",
    "animate_grid",
    "best_format",
    "board",
    "film_strip",
    "games_of",
    "report_data",
    "write_page",
    "write_report",
]
