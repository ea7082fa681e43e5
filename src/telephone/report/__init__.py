"""What people look at: one HTML file of a run, and a game as a film strip or a short film."""

from telephone.report.games import PlayedGame, Turn, games_of
from telephone.report.html.build import report_data, write_report
from telephone.report.html.page import write_page
from telephone.report.html.report_data import AnswerText, Board, BoardRow, Cell, Count, ReportData, VarianceShare, board
from telephone.report.media.animation import animate
from telephone.report.media.film_strips import StripStyle, film_strip
from telephone.report.media.grid import animate_grid
from telephone.report.media.video import FrameTiming, best_format

__all__ = [
    "AnswerText",
    "Board",
    "BoardRow",
    "Cell",
    "Count",
    "PlayedGame",
    "FrameTiming",
    "ReportData",
    "VarianceShare",
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
