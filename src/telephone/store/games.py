"""Writes and reads the games of a run, also of one that was extended: existing games keep their place and name."""

import sqlite3
from collections.abc import Iterable, Mapping

from telephone.store.checksums import checksum
from telephone.store.records import GameRow


def add_games(db: sqlite3.Connection, games: Iterable[GameRow], prompts: Mapping[str, str]) -> None:
    """Adds the games that are missing; a short name that is taken gets more digits.

    Args:
        db: inside a transaction.
        games: in the order in which tables show them.
        prompts: content hash of each prompt by its id.
    """
    existing = {row[0]: row[1] for row in db.execute("SELECT key, conversation FROM game")}
    taken = set(existing.values())
    rows = []
    for game in games:
        if game.key in existing:
            continue
        name, digits = game.conversation, 0
        while name in taken:
            digits += 1
            name = game.conversation + game.key[:digits]
        taken.add(name)
        prompt_sha = prompts[game.prompt_id]
        row = (game.key, name, game.t2i, game.i2t, game.prompt_id, prompt_sha, game.seed, game.repeat)
        rows.append((*row, checksum(*row)))
    db.executemany(
        "INSERT INTO game (key, conversation, t2i, i2t, prompt_id, prompt_sha, seed, repeat, checksum)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def read_games(db: sqlite3.Connection) -> list[GameRow]:
    """Returns every game, in the order in which tables show them."""
    found = db.execute("SELECT key, conversation, t2i, i2t, prompt_id, seed, repeat FROM game ORDER BY id")
    return [GameRow(*row) for row in found]
