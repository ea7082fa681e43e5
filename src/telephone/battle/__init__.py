"""Battles: the rules of the game, the run specification, and the program that turns games into requests."""

from telephone._moved import renamed
from telephone.battle.control_lines import controls
from telephone.battle.cost_forecast import Forecast, ModelForecast, forecast
from telephone.battle.pair_runner import ConversationRecord, PairRunner
from telephone.battle.program import (
    BattleProgram,
    Event,
    GameEnded,
    HopDone,
    Progress,
    RunResult,
    Started,
    play,
)
from telephone.battle.rules import (
    Conversation,
    GameSpec,
    GameState,
    ModelPair,
    PlayerSlot,
    check_noise,
    game_seed,
    hop_key,
    hop_seed,
    kind_at,
    opening,
)
from telephone.battle.run_planning import Get, Roster, begin, commit, game_of, games, grid, model_spec, plan, versions
from telephone.engine import Bill, CircuitClosed, CircuitOpened, Halt, Limits, ModelReady, Retried, Retry

__getattr__ = renamed(__name__)

__all__ = [
    "BattleProgram",
    "Bill",
    "CircuitClosed",
    "CircuitOpened",
    "Conversation",
    "ConversationRecord",
    "Event",
    "Forecast",
    "GameEnded",
    "GameSpec",
    "GameState",
    "Get",
    "Halt",
    "HopDone",
    "Limits",
    "ModelForecast",
    "ModelPair",
    "ModelReady",
    "PlayerSlot",
    "Progress",
    "Retried",
    "Retry",
    "Roster",
    "RunResult",
    "Started",
    "PairRunner",
    "begin",
    "check_noise",
    "commit",
    "controls",
    "forecast",
    "game_of",
    "game_seed",
    "games",
    "grid",
    "hop_key",
    "hop_seed",
    "kind_at",
    "model_spec",
    "opening",
    "plan",
    "play",
    "versions",
]
