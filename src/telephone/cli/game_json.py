"""Games as JSON documents."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telephone.report import PlayedGame, Turn


def game_json(game: "PlayedGame", brief: bool = False) -> dict[str, Any]:
    """Returns a game for a JSON document; `brief` leaves its turns out."""
    made: dict[str, Any] = {
        "name": game.name,
        "level": game.level,
        "prompt": game.prompt,
        "t2i": game.t2i,
        "i2t": game.i2t,
        "repeat": game.repeat,
        "first": game.first,
        "outcome": game.outcome,
        "distance": game.distance,
        "facts_recall": game.recall,
    }
    return made if brief else made | {"turns": [_turn_json(turn) for turn in game.turns]}


def _turn_json(turn: "Turn") -> dict[str, Any]:
    return {
        "turn": turn.number,
        "before": turn.before,
        "after": turn.after,
        "picture": None if turn.image is None else str(turn.image),
        "outcome": turn.outcome,
        "reason": turn.reason,
        "distance": turn.distance,
        "facts_recall": turn.recall,
    }
