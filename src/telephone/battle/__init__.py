"""Battles: the rules of the game, the run specification, and the jobs that play it."""

from telephone.battle.budget import Bill
from telephone.battle.control_lines import controls
from telephone.battle.cost_forecast import Forecast, ModelForecast, forecast
from telephone.battle.engine import play
from telephone.battle.events import (
    CircuitClosed,
    CircuitOpened,
    Event,
    GameEnded,
    Halt,
    HopDone,
    ModelReady,
    Progress,
    Retried,
    RunResult,
    Started,
)
from telephone.battle.rate_limits import Limits
from telephone.battle.retries import Retry
from telephone.battle.rules import (
    Conversation,
    GameSpec,
    ModelPair,
    PlayerSlot,
    State,
    ask_key,
    game_seed,
    hop_seed,
    kind_at,
    opening,
)
from telephone.battle.run_planning import Get, Roster, begin, commit, game_of, games, grid, plan, versions
from telephone.battle.telephone_line import ConversationRecord, TelephoneLine

__all__ = [
    "Bill",
    "CircuitClosed",
    "CircuitOpened",
    "Conversation",
    "Event",
    "Forecast",
    "GameSpec",
    "GameEnded",
    "Get",
    "Halt",
    "HopDone",
    "Limits",
    "ModelPair",
    "ModelReady",
    "Progress",
    "Retried",
    "Retry",
    "Roster",
    "PlayerSlot",
    "ModelForecast",
    "Started",
    "State",
    "RunResult",
    "ConversationRecord",
    "TelephoneLine",
    "ask_key",
    "begin",
    "commit",
    "controls",
    "forecast",
    "game_of",
    "game_seed",
    "games",
    "grid",
    "hop_seed",
    "kind_at",
    "opening",
    "plan",
    "play",
    "versions",
]
