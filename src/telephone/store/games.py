"""Writes the games of a run, also of one that has grown: what is there keeps its place and its name."""

import sqlite3
from collections.abc import Iterable, Mapping

from telephone.store.rows import GameRow


def add_games(db: sqlite3.Connection, games: Iterable[GameRow], prompts: Mapping[str, str]) -> None:
    """Adds the games that are not there; a short name that is taken gets more digits.

    Args:
        db: inside a transaction.
        games: in the order in which tables show them.
        prompts: content hash of each prompt by its id.
    """
    there = dict(db.execute("SELECT key, conversation FROM game").fetchall())
    taken = set(there.values())
    for game in games:
        if game.key in there:
            continue
        name, digits = game.conversation, 0
        while name in taken:
            digits += 1
            name = game.conversation + game.key[:digits]
        taken.add(name)
        db.execute(
            "INSERT INTO game (key, conversation, t2i, i2t, prompt_id, prompt_sha, seed, repeat)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (game.key, name, game.t2i, game.i2t, game.prompt_id, prompts[game.prompt_id], game.seed, game.repeat),
        )
