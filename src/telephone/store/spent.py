"""What calls have cost over all sittings, those included of which no hop tells."""

import sqlite3

from telephone.core.records import Hop, Spending, WriteOff


def add_spent(db: sqlite3.Connection, row: WriteOff) -> None:
    """Adds calls for which no hop will be written."""
    db.execute("INSERT INTO spent (player, calls, cost) VALUES (?, ?, ?)", (row.model, row.calls, row.cost))


def keep_spent(db: sqlite3.Connection, hop: Hop) -> None:
    """Keeps what a failure has cost whose place another try is about to take."""
    # Started tells one try from another; the same hop written twice is one.
    db.execute(
        "INSERT INTO spent (player, calls, cost) SELECT player, attempts, cost FROM hop"
        " WHERE game = (SELECT id FROM game WHERE key = ?) AND step = ? AND outcome != 'ok' AND attempts > 0"
        " AND (started, attempts, outcome) != (?, ?, ?)",
        (hop.game, hop.step, hop.call.started, hop.attempts, hop.outcome.value),
    )


def read_spending(db: sqlite3.Connection) -> dict[str, Spending]:
    """Returns by player what all its calls have cost and how long they took."""
    found = db.execute(
        "SELECT player, sum(attempts), total(cost), sum((cost IS NULL) * attempts), max(cost / attempts),"
        " avg(CASE WHEN outcome = 'ok' THEN seconds END) FROM"
        " (SELECT player, attempts, cost, outcome, seconds FROM hop WHERE attempts > 0 UNION ALL"
        " SELECT player, calls, cost, 'spent', NULL FROM spent WHERE calls > 0) GROUP BY player"
    ).fetchall()
    return {row[0]: Spending(*row) for row in found}
