"""Long jobs: plan a battle, play it in batches, stop it at any moment and go on later."""

from telephone.runs.budget import Bill
from telephone.runs.controls import controls
from telephone.runs.engine import play
from telephone.runs.events import (
    CircuitClosed,
    CircuitOpened,
    Event,
    GameEnded,
    Halt,
    HopDone,
    PlayerReady,
    Progress,
    Retried,
    Started,
    Summary,
)
from telephone.runs.forecast import Forecast, Share, forecast
from telephone.runs.gates import Limits
from telephone.runs.plan import Get, Roster, begin, commit, game_of, games, grid, plan, versions
from telephone.runs.retry import Retry

__all__ = [
    "Bill",
    "CircuitClosed",
    "CircuitOpened",
    "Event",
    "Forecast",
    "GameEnded",
    "Get",
    "Halt",
    "HopDone",
    "Limits",
    "PlayerReady",
    "Progress",
    "Retried",
    "Retry",
    "Roster",
    "Share",
    "Started",
    "Summary",
    "begin",
    "commit",
    "controls",
    "forecast",
    "game_of",
    "games",
    "grid",
    "plan",
    "play",
    "versions",
]
