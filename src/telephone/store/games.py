"""Writes and reads the games of a run, also of one that was extended: existing games keep their place and name."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from sys import intern

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

    def rows() -> Iterator[tuple[object, ...]]:
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
            yield (*row, checksum(*row))

    db.executemany(
        "INSERT INTO game (key, conversation, t2i, i2t, prompt_id, prompt_sha, seed, repeat, checksum)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows(),
    )


def read_games(db: sqlite3.Connection, skip: int = 0, most: int = -1) -> list[GameRow]:
    """Returns games in the order in which tables show them.

    Args:
        db: of the run.
        skip: how many of the first games to leave out.
        most: how many to return at most; -1 is all.
    """
    found = db.execute(
        "SELECT key, conversation, t2i, i2t, prompt_id, seed, repeat FROM game ORDER BY id LIMIT ? OFFSET ?",
        (most, skip),
    )
    # Many games share their few models: one string each.
    return [GameRow(key, name, intern(t2i), intern(i2t), *rest) for key, name, t2i, i2t, *rest in found]
