"""Calls and hops: reserved before they are sent, written when they have ended, shared by equal requests."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telephone.core.errors import StoreError
from telephone.core.records import Artefact, Call, Hop, Outcome, Request, Spending, WriteOff
from telephone.store.checksums import checksum
from telephone.store.records import GameProgress

_CALL = (
    "c.id, c.key, c.task, c.model, c.fingerprint, c.options, c.seed, c.outcome, c.result, c.reason, c.raw, c.started,"
    " c.seconds, c.attempts, c.cost, c.unpriced, c.tokens_cut"
)
_INSERT_CALL = f"INSERT OR REPLACE INTO call VALUES (?{', ?' * 17})"
_RESERVED = "reserved"
_KILLED = "The session was killed before the result was written."

ReadArtefact = Callable[[str], Artefact]
"""Returns the artefact of a content hash."""


@dataclass
class CallTable:
    """The calls of an open run. Reservations of this session are known by their key until the call is recorded."""

    db: sqlite3.Connection
    _reserved: dict[str, int] = field(default_factory=dict)

    @contextlib.contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Forgets changes of reservations if the block, a transaction, fails."""
        before = dict(self._reserved)
        try:
            yield
        except BaseException:
            self._reserved = before
            raise

    def reserve(self, requests: Iterable[Request]) -> None:
        """Writes that calls are about to be sent; another attempt of a reserved request is counted.

        Args:
            requests: their parents must be artefacts of the run.
        """
        number = self._next_id()
        for request in requests:
            at, attempts = self._reserved.get(request.key), 1
            if at is None:
                self._reserved[request.key] = at = number
                number += 1
            else:
                attempts += int(self.db.execute("SELECT attempts FROM call WHERE id = ?", (at,)).fetchone()[0])
            ended = (_RESERVED, None, "", "", time.time(), 0.0, attempts, None, 0, 0)
            self._insert(at, request, ended)

    def add_calls(self, calls: Sequence[Call]) -> dict[int, int]:
        """Writes calls that have ended in place of their reservations; returns row ids by the `id` of each call."""
        number, ids = self._next_id(), {}
        for call in calls:
            at = self._reserved.pop(call.request.key, None)
            at = self._written(call) if at is None else at
            if at is None:
                at, number = number, number + 1
                self._insert(at, call.request, _ended(call))
            elif id(call) not in ids:
                self._insert(at, call.request, _ended(call))
            ids[id(call)] = at
        return ids

    def release(self, key: str) -> None:
        """Removes the reservation of a request, if there is one: its cost is counted elsewhere."""
        at = self._reserved.pop(key, None)
        if at is not None:
            self.db.execute("DELETE FROM call_parent WHERE call = ?", (at,))
            self.db.execute("DELETE FROM call WHERE id = ?", (at,))

    def abandoned(self) -> bool:
        """Returns whether an earlier session left reservations."""
        found = self.db.execute("SELECT count(*) FROM call WHERE outcome = 'reserved'").fetchone()
        return int(found[0]) > len(self._reserved)

    def recover(self) -> None:
        """Turns the reservations of earlier sessions into failed calls of unknown cost."""
        rows = self.db.execute(f"SELECT {_CALL} FROM call c WHERE c.outcome = 'reserved'").fetchall()
        for at, *head, _, result, _, raw, started, seconds, attempts, cost, unpriced, tokens_cut in rows:
            if at in self._reserved.values():
                continue
            parents = self.db.execute("SELECT sha FROM call_parent WHERE call = ? ORDER BY position", (at,)).fetchall()
            ended = (Outcome.FAILED.value, result, _KILLED, raw, started, seconds, attempts, cost, unpriced, tokens_cut)
            row = (*head, *ended)
            self.db.execute(
                "UPDATE call SET outcome = ?, reason = ?, checksum = ? WHERE id = ?",
                (Outcome.FAILED.value, _KILLED, checksum(*row, *(sha for (sha,) in parents)), at),
            )

    def find(self, key: str, read: ReadArtefact) -> Call | None:
        """Returns a successful call of this key, or None."""
        row = self.db.execute(f"SELECT {_CALL} FROM call c WHERE c.key = ? AND c.outcome = 'ok'", (key,)).fetchone()
        return self.call_of(row, read) if row else None

    def call_of(self, row: Sequence[Any], read: ReadArtefact) -> Call:
        """Returns the call of a row that begins with the columns `_CALL`."""
        at, key, task, model, fingerprint, options, seed, outcome, result, *ended = row[:17]
        parents = self.db.execute("SELECT sha FROM call_parent WHERE call = ? ORDER BY position", (at,)).fetchall()
        artefacts = tuple(read(sha) for (sha,) in parents)
        request = Request(model, fingerprint, task, artefacts, seed, key, json.loads(options))
        reason, raw, started, seconds, attempts, cost, unpriced, tokens_cut = ended
        return Call(
            request, Outcome(outcome), read(result) if result else None, reason, raw, started, seconds, attempts, cost,
            unpriced, tokens_cut,
        )  # fmt: skip

    def latest(self, key: str, outcome: Outcome, result: str | None) -> int | None:
        """Returns the row id of the newest call of this key that ended so."""
        row = self.db.execute(
            "SELECT max(id) FROM call WHERE key = ? AND outcome = ? AND result IS ?", (key, outcome.value, result)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def _next_id(self) -> int:
        return int(self.db.execute("SELECT coalesce(max(id), 0) + 1 FROM call").fetchone()[0])

    def _written(self, call: Call) -> int | None:
        """Returns the id of the same call if it was written before: a write that is repeated changes nothing."""
        for row in self.db.execute(
            "SELECT id, outcome, result, started, attempts FROM call WHERE key = ?", (call.request.key,)
        ):
            result = call.result.sha256 if call.result else None
            same = tuple(row)[1:] == (call.outcome.value, result, call.started, call.attempts)
            if same and (call.started or call.outcome is Outcome.OK):
                return int(row[0])
        return None

    def _insert(self, at: int, request: Request, ended: tuple[Any, ...]) -> None:
        parents = [parent.sha256 for parent in request.parents]
        options = json.dumps(dict(request.options), ensure_ascii=False, sort_keys=True) if request.options else "{}"
        head = (request.key, request.task, request.model, request.fingerprint, options, request.seed)
        row = (*head, *ended)
        self.db.execute(_INSERT_CALL, (at, *row, checksum(*row, *parents)))
        for position, sha in enumerate(parents):
            self.db.execute("INSERT OR IGNORE INTO call_parent VALUES (?, ?, ?)", (at, position, sha))


def _ended(call: Call) -> tuple[Any, ...]:
    result = call.result.sha256 if call.result else None
    return (
        *(call.outcome.value, result, call.reason, call.raw, float(call.started), float(call.seconds)),
        *(call.attempts, None if call.cost is None else float(call.cost), call.unpriced, call.tokens_cut),
    )


def add_hops(calls: CallTable, hops: Iterable[Hop], ids: Mapping[int, int]) -> None:
    """Writes hops. A hop may replace one that was refused or failed, never a successful one.

    Args:
        calls: of the run, inside a transaction.
        hops: with calls that are written.
        ids: row ids of calls of this transaction by the `id` of the call.

    Raises:
        StoreError: the game or the call is unknown, or another successful hop is there.
    """
    rows = []
    for hop in hops:
        request, result = hop.request, hop.result.sha256 if hop.result else None
        found = calls.db.execute(
            "SELECT g.id, c.key, c.outcome, c.result FROM game g LEFT JOIN hop h ON h.game = g.id AND h.step = ?"
            " LEFT JOIN call c ON c.id = h.call WHERE g.key = ?",
            (hop.step, hop.game),
        ).fetchone()
        at = ids.get(id(hop.call)) or calls.latest(request.key, hop.outcome, result)
        taken = found is not None and found[1] is not None
        if found is None or at is None or (taken and found[1] != request.key):
            raise _refused(hop)
        if taken and found[2] == Outcome.OK.value:
            if found[3] != result:
                raise _refused(hop)
            continue
        row = (found[0], hop.step, at, int(hop.shared))
        rows.append((*row, checksum(*row)))
    calls.db.executemany("INSERT OR REPLACE INTO hop VALUES (?, ?, ?, ?, ?)", rows)


def _refused(hop: Hop) -> StoreError:
    return StoreError(
        f"Step {hop.step} of game {hop.game[:12]} cannot be written: the game or its call is unknown, or the step is"
        " taken."
    )


def read_hops(calls: CallTable, game: str, read: ReadArtefact) -> list[Hop]:
    """Returns the hops of a game in order, with inputs and results."""
    rows = calls.db.execute(
        f"SELECT {_CALL}, h.step, h.shared FROM hop h JOIN game g ON g.id = h.game JOIN call c ON c.id = h.call"
        " WHERE g.key = ? ORDER BY h.step",
        (game,),
    ).fetchall()
    return [Hop(game, row["step"], calls.call_of(row, read), bool(row["shared"])) for row in rows]


def read_progress(db: sqlite3.Connection, game: str) -> GameProgress:
    """Returns how far a game has been played."""
    row = db.execute(
        "SELECT h.step + 1, c.outcome, c.result FROM hop h JOIN call c ON c.id = h.call"
        " WHERE h.game = (SELECT id FROM game WHERE key = ?) ORDER BY h.step DESC LIMIT 1",
        (game,),
    ).fetchone()
    return GameProgress(row[0], Outcome(row[1]), row[2]) if row else GameProgress()


def add_spending(db: sqlite3.Connection, spent: WriteOff) -> None:
    """Adds calls that belong to no row of `call`."""
    row = (spent.model, spent.calls, None if spent.cost is None else float(spent.cost))
    db.execute("INSERT INTO spending (model, calls, cost, checksum) VALUES (?, ?, ?, ?)", (*row, checksum(*row)))


def read_spending(db: sqlite3.Connection) -> dict[str, Spending]:
    """Returns by model what all calls have cost and how long they took; a reserved call is one of unknown cost."""
    found = db.execute(
        "SELECT model, sum(attempts), total(cost), sum(CASE WHEN cost IS NULL THEN attempts ELSE unpriced END),"
        " max(cost / max(1, attempts - unpriced)), avg(CASE WHEN outcome = 'ok' THEN seconds END) FROM"
        " (SELECT model, attempts, cost, unpriced, outcome, seconds FROM call WHERE attempts > 0 UNION ALL"
        " SELECT model, calls, cost, 0, 'spent', NULL FROM spending WHERE calls > 0) GROUP BY model"
    ).fetchall()
    return {row[0]: Spending(*row) for row in found}
