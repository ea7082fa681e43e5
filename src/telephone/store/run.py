"""The folder of a run: what was asked, what came back, what judges say of it; it may be killed at any moment."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from telephone.core.errors import StoreDamaged, StoreError, UsageError
from telephone.core.images import content_hash
from telephone.core.records import TASK_OF, Artefact, Call, Hop, Outcome, Request, Spending, WriteOff
from telephone.store.database import connect, guarded, transaction
from telephone.store.frame import frame, turns
from telephone.store.games import add_games
from telephone.store.lock import locked
from telephone.store.pictures import PictureFiles
from telephone.store.rows import GameProgress, GameRow, Problem, RunSpec, Score
from telephone.store.spent import add_spent, keep_spent, read_spending
from telephone.store.vectors import Vector, add_vectors, read_vectors
from telephone.store.verify import verify

if TYPE_CHECKING:
    import pandas as pd

DATABASE = "run.sqlite"

_HOP = (
    "g.key AS game, h.step, h.turn, h.kind, h.player, h.seed, h.parent, h.ask, h.outcome, h.result, h.reason, h.raw,"
    " h.started, h.seconds, h.attempts, h.cost, h.tokens_cut FROM hop h JOIN game g ON g.id = h.game"
)
_VECTORS = "FROM vector v JOIN embedder e ON e.id = v.embedder WHERE e.name = ?"

Games = Iterable[GameRow] | Callable[[RunSpec], Iterable[GameRow]]
"""Games, or what makes them from the description as it is when others have been there before."""


def another(folder: Path, lacks: str) -> str:
    """Returns the sentence for a folder whose run is no part of what is wished."""
    return (
        f"{folder} holds another run ({lacks} differ): give another folder, or name all that it has played as well and"
        " the new is added."
    )


class Run:
    """A run on disk; use it as a context manager, or call `close`."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        """Is called by `create` and `open`."""
        self.folder = folder
        self.path = folder / DATABASE
        self.pictures = PictureFiles(folder / "images")
        self._db = db
        db.row_factory = sqlite3.Row
        self._spec: RunSpec | None = None

    @classmethod
    def create(cls, folder: str | Path, description: RunSpec, games: Games) -> "Run":
        """Returns a new run, its description and games written; or the run that is there, if it is part of this one.

        Args:
            folder: made if it is not there.
            description: what is to be played; one that has more turns, repeats, lines or prompts than the run that is
                there adds them to it, and what was there stays as it is.
            games: every game of it, in the order in which tables show them.

        Raises:
            UsageError: the folder holds another run, or files that are no run.
            StoreError: the folder cannot be written, or what is there cannot be read.
        """
        folder = Path(folder)
        path = folder / DATABASE
        with guarded(path):
            folder.mkdir(parents=True, exist_ok=True)
            begun = path.exists() and path.stat().st_size > 0
            if not begun and any(each.name not in (DATABASE, "lock") for each in folder.iterdir()):
                raise UsageError(f"{folder} holds files that are no run: give a new or an empty folder.")
        run = cls(folder, connect(path, create=True))
        try:
            run._begin(description, games)
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Returns the run in this folder.

        Raises:
            UsageError: there is none.
            StoreDamaged: what is there is not what was written.
            StoreVersion: a newer version of the package wrote it.
        """
        path = Path(folder) / DATABASE
        if not path.is_file():
            raise UsageError(f"There is no run in {folder}: give the folder that holds {DATABASE}.")
        return cls(Path(folder), connect(path))

    def close(self) -> None:
        """Closes the database; the folder is then complete in itself and can be copied."""
        self._db.close()

    def __enter__(self) -> "Run":
        """Returns the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the run."""
        self.close()

    @contextlib.contextmanager
    def playing(self) -> Iterator[None]:
        """Keeps other processes from playing the run for as long as the block lasts; they can still read it.

        Raises:
            StoreError: another process plays it.
        """
        with locked(self.folder):
            yield

    @property
    def spec(self) -> RunSpec:
        """What the run was asked to be, resolved."""
        if self._spec is None:
            self._spec = self._read_description()
        return self._spec

    def games(self) -> list[GameRow]:
        """Returns every game, in the order in which tables show them."""
        found = self._all("SELECT key, conversation, t2i, i2t, prompt_id, seed, repeat FROM game ORDER BY id")
        return [GameRow(**dict(row)) for row in found]

    def progress(self, game: str) -> GameProgress:
        """Returns where a game stands; one that has no hop yet stands at its prompt."""
        found = self._all(
            "SELECT step + 1, outcome, result FROM hop WHERE game = (SELECT id FROM game WHERE key = ?)"
            " ORDER BY step DESC LIMIT 1",
            game,
        )
        return GameProgress(found[0][0], Outcome(found[0][1]), found[0][2]) if found else GameProgress()

    def hops(self, game: str) -> list[Hop]:
        """Returns the hops of a game in order, with what the players were shown and what they made."""
        return [self._hop(row) for row in self._all(f"SELECT {_HOP} WHERE g.key = ? ORDER BY h.step", game)]

    def find_call(self, key: str) -> Call | None:
        """Returns an earlier call with this request key that went well, None if there is none."""
        found = self._all(f"SELECT {_HOP} WHERE h.ask = ? AND h.outcome = 'ok' LIMIT 1", key)
        return self._hop(found[0]).call if found else None

    def count(self) -> dict[Outcome, int]:
        """Returns the number of hops by outcome."""
        found = dict(self._all("SELECT outcome, count(*) FROM hop GROUP BY outcome"))
        return {outcome: int(found.get(outcome.value, 0)) for outcome in Outcome}

    def add_hops(self, hops: Iterable[Hop]) -> None:
        """Writes hops, all of them or none; when it returns they are on the disk, pictures before rows.

        A hop may take the place of one that was refused or failed, never of one that went well (unless both are equal).

        Raises:
            StoreError: a hop that went well is there already, its game is unknown, or the disk is full.
        """
        new = list(hops)
        self.pictures.write(hop.result for hop in new if hop.result is not None and hop.result.kind == "image")
        with transaction(self._db, self.path):
            for hop in new:
                if hop.result is not None:
                    self._add_content(hop.result)
                self._add_hop(hop)

    def reserve(self, requests: Sequence[Request]) -> None:
        """Does nothing yet: this format has no reservations."""

    def recover(self) -> None:
        """Does nothing yet: this format has no reservations."""

    def record(self, calls: Sequence[Call], links: Sequence[Hop]) -> None:
        """Writes the hops of calls."""
        self.add_hops(links)

    def write_images(self, images: Sequence[Artefact]) -> None:
        """Writes images; safe in several threads."""
        self.pictures.write(images)

    def write_off(self, rows: Sequence[WriteOff]) -> None:
        """Writes that calls were made for which no hop will be written: they were given up, or had no answer.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        with transaction(self._db, self.path):
            for row in rows:
                add_spent(self._db, row)

    def spending(self) -> dict[str, Spending]:
        """Returns by player what all calls of all sittings have cost and how long they took."""
        with guarded(self.path):
            return read_spending(self._db)

    def artefact(self, sha: str) -> Artefact:
        """Returns what has this content hash.

        Raises:
            StoreDamaged: it is missing, or is not what was written.
        """
        found = self._all("SELECT kind, CAST(data AS BLOB) FROM content WHERE sha = ?", sha)
        if not found:
            raise StoreDamaged(f"{self.path} has no content {sha[:12]}...: restore it from a copy, or start anew.")
        kind, data = found[0]
        if kind == "image":
            return Artefact.known("image", self.pictures.read(sha), sha)
        if content_hash(data) != sha:
            raise StoreDamaged(
                f"A text in {self.path} is not what was written ({sha[:12]}...): restore it from a copy."
            )
        return Artefact.known("text", data, sha)

    def put_scores(self, judge: str, scores: Iterable[Score]) -> None:
        """Writes what a judge says; what it said before of the same pair under the same name is replaced.

        Args:
            judge: its identity, weights and preprocessing included.
            scores: one row for each subject, reference and name.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        rows = [(s.subject, s.reference, s.name, _number(s.value), _to_json(s.detail)) for s in scores]
        with transaction(self._db, self.path):
            self._db.execute("INSERT OR IGNORE INTO judge (name) VALUES (?)", (judge,))
            self._db.executemany(
                "INSERT OR REPLACE INTO score SELECT id, ?2, ?3, ?4, ?5, ?6 FROM judge WHERE name = ?1",
                [(judge, *row) for row in rows],
            )

    def scores(self, judge: str) -> list[Score]:
        """Returns everything that a judge has said; nothing if it has not been heard."""
        found = self._all(
            "SELECT subject, reference, s.name, value, detail FROM score s JOIN judge j ON j.id = s.judge"
            " WHERE j.name = ? ORDER BY subject, reference, s.name",
            judge,
        )
        return [Score(row[0], row[1], row[2], row[3], json.loads(row[4])) for row in found]

    def judges(self) -> list[str]:
        """Returns the judges that have been heard, the first one first."""
        return [row[0] for row in self._all("SELECT name FROM judge ORDER BY id")]

    def put_vectors(self, embedder: str, vectors: Mapping[str, Any]) -> None:
        """Writes what an embedder makes of texts and pictures.

        Args:
            embedder: its identity, weights and preprocessing included.
            vectors: by content hash, each of any length and scale; directions alone are kept.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        with transaction(self._db, self.path):
            add_vectors(self._db, embedder, vectors)

    def vectors(self, embedder: str) -> dict[str, Vector]:
        """Returns every vector of an embedder by content hash: float32, unit length; without a direction, none."""
        return read_vectors(self._all(f"SELECT v.sha, v.data {_VECTORS}", embedder))

    def embedded(self, embedder: str) -> set[str]:
        """Returns the content hashes that an embedder has seen, also those of which it could make nothing."""
        return {row[0] for row in self._all(f"SELECT v.sha {_VECTORS}", embedder)}

    def embedders(self) -> list[str]:
        """Returns the embedders that have left vectors, the first one first."""
        return [row[0] for row in self._all("SELECT name FROM embedder ORDER BY id")]

    def turns(self) -> "pd.DataFrame":
        """Returns the data frame of `frame` without its scores: what was played, before it is judged."""
        with guarded(self.path):
            return turns(self._db, self.spec, self.pictures)

    def frame(self, turns: "pd.DataFrame | None" = None) -> "pd.DataFrame":
        """Returns a data frame with one row a turn; `telephone.store.frame` names and explains its columns.

        Args:
            turns: the result of `turns`, if the caller has it already and nothing was played since; the scores are
                read in any case.
        """
        found = self.turns() if turns is None else turns
        with guarded(self.path):
            return frame(self._db, found)

    def verify(self) -> list[Problem]:
        """Reads everything back, hashes it again and follows every chain; an empty list means that all is well."""
        with guarded(self.path):
            return verify(self._db, self.spec, self.pictures)

    def _begin(self, description: RunSpec, games: Games) -> None:
        """Writes what a run is before its first call; a folder that was cut off in this moment starts over."""
        if self._all("SELECT value FROM meta WHERE key = 'description'"):
            old = self.spec
            if lacks := description.lacks(old):
                raise UsageError(another(self.folder, lacks))
            description = old.grown(description)
            if description == old:
                return
        rows = list(games(description) if callable(games) else games)
        self.pictures.write(Artefact("image", p.image) for p in description.prompts if p.image is not None)
        with transaction(self._db, self.path):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('description', ?)", (description.to_json(),))
            shas = {}
            for prompt in description.prompts:
                first = Artefact(prompt.first, prompt.text.encode() if prompt.image is None else prompt.image)
                self._add_content(first)
                shas[prompt.id] = first.sha256
            add_games(self._db, rows, shas)
        self._spec = description

    def _read_description(self) -> RunSpec:
        found = self._all("SELECT value FROM meta WHERE key = 'description'")
        if not found:
            raise StoreDamaged(f"{self.path} has no description of its run: start anew in another folder.")
        return RunSpec.from_json(found[0][0], self.pictures.read)

    def _add_content(self, made: Artefact) -> None:
        data = made.data if made.kind == "text" else None
        row = (made.sha256, made.kind, len(made.data), data)
        self._db.execute("INSERT OR IGNORE INTO content VALUES (?, ?, ?, ?)", row)

    def _add_hop(self, hop: Hop) -> None:
        ask, call, result = hop.request, hop.call, hop.result.sha256 if hop.result else None
        keep_spent(self._db, hop)
        written = self._db.execute(
            "INSERT INTO hop SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17"
            " FROM game WHERE key = ?1"
            " ON CONFLICT (game, step) DO UPDATE SET outcome = excluded.outcome, result = excluded.result,"
            " reason = excluded.reason, raw = excluded.raw, started = excluded.started, seconds = excluded.seconds,"
            " attempts = excluded.attempts, cost = excluded.cost, tokens_cut = excluded.tokens_cut"
            " WHERE hop.ask = excluded.ask AND (hop.outcome != 'ok' OR hop.result IS excluded.result)",
            (
                *(hop.game, hop.step, hop.turn, ask.kind, ask.model, ask.seed, ask.parent.sha256, ask.key),
                *(hop.outcome.value, result, hop.reason, call.raw, call.started, hop.seconds, hop.attempts, hop.cost),
                call.tokens_cut,
            ),
        ).rowcount
        if written != 1:
            raise StoreError(
                f"Step {hop.step} of game {hop.game[:12]} cannot be written: the game is unknown or the step is taken."
            )

    def _hop(self, row: sqlite3.Row) -> Hop:
        request = Request(
            row["player"], self.spec.model(row["player"]).fingerprint, TASK_OF[row["kind"]],
            (self.artefact(row["parent"]),), row["seed"], row["ask"],
        )  # fmt: skip
        call = Call(
            request, Outcome(row["outcome"]), self.artefact(row["result"]) if row["result"] else None, row["reason"],
            row["raw"], row["started"], row["seconds"], row["attempts"], row["cost"], 0, row["tokens_cut"],
        )  # fmt: skip
        return Hop(row["game"], row["step"], call, shared=row["attempts"] == 0)

    def _all(self, query: str, *values: object) -> list[Any]:
        with guarded(self.path):
            return self._db.execute(query, values).fetchall()


def _number(value: float | None) -> float | None:
    """NaN would come back as NULL anyway; infinity is no score."""
    return None if value is None or value != value or value in (float("inf"), float("-inf")) else float(value)


def _to_json(detail: Any) -> str:
    return json.dumps(detail, ensure_ascii=False)
