"""The rules: what a game asks for next and when it is over, and a line on which one is played by hand."""

from telephone.game.conversation import (
    Conversation,
    Game,
    Line,
    Seat,
    State,
    ask_key,
    game_seed,
    hop_seed,
    kind_at,
    opening,
)
from telephone.game.line import Talk, TelephoneLine

__all__ = [
    "Conversation",
    "Game",
    "Line",
    "Seat",
    "State",
    "Talk",
    "TelephoneLine",
    "ask_key",
    "game_seed",
    "hop_seed",
    "kind_at",
    "opening",
]
