"""Tables and statistics: a scored run in, data frames and honest intervals out."""

from telephone.analysis.answers import Answer
from telephone.analysis.boards import ALL, Leaderboard, leaderboard, not_told_apart
from telephone.analysis.frames import MEASURES, Measure, by_game, scored
from telephone.analysis.matters import WhichMatters, which_matters
from telephone.analysis.summary import Counts, Summary, summarise, summary
from telephone.analysis.tables import by_step, levels_of

__all__ = [
    "ALL",
    "MEASURES",
    "Answer",
    "Counts",
    "Leaderboard",
    "Measure",
    "Summary",
    "WhichMatters",
    "by_game",
    "by_step",
    "leaderboard",
    "levels_of",
    "not_told_apart",
    "scored",
    "summarise",
    "summary",
    "which_matters",
]
