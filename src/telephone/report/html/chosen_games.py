"""Which games a report shows in full: chosen by rules from their scores, so that a report is the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telephone.report.games import PlayedGame
from telephone.report.turn_spans import turn_spans

STARTS_RIGHT = 0.8
"""Share of facts that the first description of the opening game keeps at least."""
DRIFTS = 0.25
"""Share of facts, or distance, that the opening game loses at least between the first and the last turn."""


_EXACT = 1e-9
"""Shares such as 7/8 - 5/8 are compared up to rounding."""


@dataclass(frozen=True)
class Featured:
    """A game that is shown in full, and why."""

    reason: str
    game: PlayedGame


def opening_game(games: Sequence[PlayedGame]) -> Featured | None:
    """Returns the game at the top of the page: one that starts right and drifts step by step; None without scores.

    Where facts are counted: its first description keeps at least `STARTS_RIGHT` of them, its last one some, but fewer
    by at least `DRIFTS`, and at least half of its images differ; among these, it is the one with the most turns that
    lose facts. Elsewhere the same by distance. If there is no such game, it is one of average distance with a short
    prompt.
    """
    complete = [game for game in games if game.first == "text" and game.outcome == "ok" and len(game.turns) > 2]
    return _losing_facts(complete) or _moving_away(complete) or _average(games)


def _losing_facts(games: list[PlayedGame]) -> Featured | None:
    curves = {game: _curve(game, "recall") for game in games}
    found = [
        game
        for game in games
        if (curve := curves[game])
        and curve[0] >= STARTS_RIGHT
        and 0 < curve[-1] <= curve[0] - DRIFTS + _EXACT
        and _varied(game)
    ]
    if not found:
        return None
    falls = {game: _new_lows([1.0, *curves[game]]) for game in found}
    chosen = min(found, key=lambda game: (-falls[game], -sum(curves[game]), len(game.prompt), game.name))
    first, last = curves[chosen][0], curves[chosen][-1]
    rule = (
        f"at least {STARTS_RIGHT:.0%} of the facts kept in the first turn and at least {100 * DRIFTS:.0f} percentage "
        "points fewer in the last"
    )
    values = f"{first:.0%} of the facts are kept after the first turn, {last:.0%} after the last."
    return Featured(_reason(len(found), rule, f"has the most turns that lose facts ({falls[chosen]})", values), chosen)


def _moving_away(games: list[PlayedGame]) -> Featured | None:
    curves = {game: curve for game in games if (curve := _curve(game, "distance"))}
    if not curves:
        return None
    near = sorted(curve[0] for curve in curves.values())[(len(curves) - 1) // 2]
    found = [
        game
        for game in games
        if (curve := curves.get(game, []))
        and curve[0] <= near
        and curve[-1] >= curve[0] + DRIFTS - _EXACT
        and _varied(game)
    ]
    if not found:
        return None
    steps = {game: _new_lows([0.0, *(-value for value in curves[game])]) for game in found}
    chosen = min(found, key=lambda game: (-steps[game], sum(curves[game]), len(game.prompt), game.name))
    first, last = curves[chosen][0], curves[chosen][-1]
    rule = f"as near to the prompt in the first turn as half of all games, farther by at least {DRIFTS} in the last"
    values = f"The distance is {first:.2f} after the first turn and {last:.2f} after the last."
    return Featured(_reason(len(found), rule, f"has the most turns that move away ({steps[chosen]})", values), chosen)


def _average(games: Sequence[PlayedGame]) -> Featured | None:
    ranked = sorted((game for game in games if game.distance is not None), key=lambda game: game.distance or 0.0)
    middle = ranked[len(ranked) // 4 : max(1, len(ranked) * 3 // 4)]
    chosen = min(middle, key=lambda game: (game.first != "text", len(game.prompt), game.name), default=None)
    return None if chosen is None else Featured("A game of average distance.", chosen)


def _reason(count: int, rule: str, most: str, values: str) -> str:
    """Returns why a game was chosen, and what the rule saw."""
    games = f"of the {count} games with {rule}, the one that {most}" if count > 1 else f"the only game with {rule}"
    return f"Chosen by a rule: {games}. {values}".replace("%", "\u00a0%")


def featured(games: Sequence[PlayedGame]) -> tuple[Featured, ...]:
    """Returns a game that kept most, one in the middle, and one that kept least, each of another prompt if possible.

    By counted facts where all finished games have them, else by final distance. Among equal games the one
    whose texts change most often is taken, so that it is worth reading. Incomplete and unscored games are left out;
    with fewer than three scored games the result is shorter.
    """
    scored = [game for game in games if game.recall is not None or game.distance is not None]
    counted = all(game.recall is not None for game in scored)
    if not scored:
        return ()
    value = {game: -(game.recall or 0.0) if counted else game.distance or 0.0 for game in scored}
    ranked = sorted(scored, key=lambda game: (value[game], game.distance or 0.0, game.name))
    best, worst = value[ranked[0]], value[ranked[-1]]
    fifth = len(ranked) // 10
    middle = (len(ranked) - 1) // 2
    groups = [[game for game in ranked if value[game] == best]]
    if len(ranked) > 2:
        groups.append(ranked[max(1, middle - fifth) : middle + fifth + 1])
    if len(ranked) > 1:
        groups.append([game for game in ranked if value[game] == worst])
    words = _WORDS_OF_FACTS if counted else _WORDS_OF_DISTANCE
    names = (words[0], words[1], words[2]) if len(groups) == 3 else (words[0], words[2])
    chosen: list[Featured] = []
    for group, (one, several) in zip(groups, names, strict=False):
        game = _liveliest(group, [each.game for each in chosen])
        chosen.append(Featured(one if len(group) == 1 else several.format(len(group)), game))
    return tuple(chosen)


_WORDS_OF_FACTS = (
    (
        "The game that kept most facts",
        "One of the {} games that kept most facts, the one whose texts change most often",
    ),
    ("The median game", "One of the {} games in the middle, the one whose texts change most often"),
    (
        "The game that kept fewest facts",
        "One of the {} games that kept fewest facts, the one whose texts change most often",
    ),
)
_WORDS_OF_DISTANCE = (
    ("The game that ended nearest", "One of the {} games that ended nearest"),
    ("The median game", "One of the {} games in the middle, the one whose texts change most often"),
    ("The game that ended farthest", "One of the {} games that ended farthest"),
)
"""For a group of one game and of several: kept most, the middle, lost most."""


def _liveliest(group: list[PlayedGame], chosen: list[PlayedGame]) -> PlayedGame:
    """Returns the game with most different turns; one of a prompt that is not shown yet, if there is any."""
    prompts = {game.prompt for game in chosen}
    return min(
        group, key=lambda game: (game in chosen, game.prompt in prompts, -len(turn_spans(game)), group.index(game))
    )


def _curve(game: PlayedGame, score: str) -> list[float]:
    """Returns a score of each description; empty if one of them has none."""
    values: list[float | None] = [getattr(turn, score) for turn in game.turns if turn.after]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []


def _varied(game: PlayedGame) -> bool:
    """Returns whether at least half of the images differ."""
    return 2 * len({turn.image for turn in game.turns}) >= len(game.turns)


def _new_lows(curve: list[float]) -> int:
    """Returns at how many turns after the first the values fall below all before them."""
    return sum(value < min(curve[:at]) for at, value in enumerate(curve) if at)
