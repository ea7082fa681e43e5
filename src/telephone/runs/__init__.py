"""Long jobs: plan a battle, play it in batches, stop it at any moment and go on later."""

from telephone.runs.engine import Limits, play
from telephone.runs.events import Event, GameEnded, HopDone, PlayerReady, Progress, Started, Summary
from telephone.runs.plan import Get, Roster, begin, commit, game_of, games, grid, plan, versions

__all__ = [
    "Event",
    "GameEnded",
    "Get",
    "HopDone",
    "Limits",
    "PlayerReady",
    "Progress",
    "Roster",
    "Started",
    "Summary",
    "begin",
    "commit",
    "game_of",
    "games",
    "grid",
    "plan",
    "play",
    "versions",
]
