"""Reports for people: one HTML file of a run, and games as film strips and short films."""

from telephone._moved import renamed
from telephone.report.games import PlayedGame, Turn, games_of
from telephone.report.html.build import collect_report, write_report
from telephone.report.html.page import write_page
from telephone.report.html.report_data import (
    AnswerText,
    Count,
    LeaderboardRow,
    LeaderboardTable,
    ReportData,
    ScoreCell,
    VarianceShare,
    leaderboard_table,
)
from telephone.report.media.animation import animate
from telephone.report.media.canvas import ImageCache
from telephone.report.media.film_strips import StripStyle, film_strip
from telephone.report.media.grid import animate_grid
from telephone.report.media.output import FrameTiming, best_format

__getattr__ = renamed(__name__)

__all__ = [
    "AnswerText",
    "Count",
    "FrameTiming",
    "ImageCache",
    "LeaderboardRow",
    "LeaderboardTable",
    "PlayedGame",
    "ReportData",
    "ScoreCell",
    "StripStyle",
    "Turn",
    "VarianceShare",
    "animate",
    "animate_grid",
    "best_format",
    "collect_report",
    "film_strip",
    "games_of",
    "leaderboard_table",
    "write_page",
    "write_report",
]
