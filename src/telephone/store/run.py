"""The folder of a run: requests, results, scores and vectors. It may be killed at any moment and is then resumed."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from telephone.core.errors import StoreDamaged, UsageError
from telephone.core.images import content_hash
from telephone.core.records import Artefact, Call, Hop, Outcome, Request, Spending, WriteOff
from telephone.store.calls import (
    CallTable,
    add_hops,
    add_spending,
    read_hops,
    read_progress,
    read_spending,
)
from telephone.store.checksums import checksum
from telephone.store.database import Database, connect, guarded, is_begun
from telephone.store.frame import frame, score_columns, turns
from telephone.store.games import add_games, read_games
from telephone.store.image_files import ImageFiles
from telephone.store.lock import locked
from telephone.store.records import (
    EmbedderRow,
    GameProgress,
    GameRow,
    Problem,
    Score,
    ScoreColumn,
    ScorerKind,
    ScorerRow,
)
from telephone.store.scores import add_scores, read_scorers, read_scores
from telephone.store.spec import ModelSpec, RunSpec, opening
from telephone.store.vectors import Vector, add_vectors, read_embedders, read_vectors
from telephone.store.verify import verify

if TYPE_CHECKING:
    import pandas as pd

DATABASE = "run.sqlite"
_OWN_FILES = {DATABASE, f"{DATABASE}-journal", f"{DATABASE}-wal", f"{DATABASE}-shm", "lock", "images"}
"""What a folder may hold whose creation was killed."""

Games = Iterable[GameRow] | Callable[[RunSpec], Iterable[GameRow]]
"""Games, or a function that returns them for the specification, which may contain an earlier one."""


def another(folder: Path, differences: str, old: RunSpec, requested: RunSpec) -> str:
    """Returns the message for a folder whose run is not part of what is requested."""
    if differences == "noise":
        return (
            f"The run in {folder} has {old.noise} noise, and {requested.noise} noise is requested: request --noise"
            f" {old.noise} to continue it, or choose another folder."
        )
    return (
        f"{folder} holds another run ({differences} differ): choose another folder, or request everything that it has"
        " played as well, and the rest is added."
    )


class Run:
    """A run on disk; use it as a context manager, or call `close`."""

    def __init__(self, folder: Path, database: Database) -> None:
        """Is called by `create` and `open`."""
        self.folder = folder
        self.path = folder / DATABASE
        self.images = ImageFiles(folder / "images")
        self._database = database
        self._db = database.db
        self._calls = CallTable(database.db)
        self._spec: RunSpec | None = None

    @staticmethod
    def exists(folder: str | Path) -> bool:
        """Returns whether a folder holds a run; one whose creation was killed does not, and can be created again.

        Raises:
            StoreError: the folder cannot be read.
        """
        return is_begun(Path(folder) / DATABASE)

    @classmethod
    def create(cls, folder: str | Path, spec: RunSpec, games: Games) -> "Run":
        """Returns a new run with its specification and games written, or the existing run of which this one is more.

        Nothing is changed before the lock is taken: a run that is being played is left as it is.

        Args:
            folder: created if it is missing.
            spec: what is to be played. More turns, repeats, pairs or prompts than in the existing run are added to
                it; everything that was there stays as it is.
            games: every game, in the order in which tables show them.

        Raises:
            UsageError: the folder holds another run, or files that are no run.
            StoreError: the folder cannot be written or read, or the run is being played and would have to change.
        """
        folder = Path(folder)
        path = folder / DATABASE
        with guarded(path):
            folder.mkdir(parents=True, exist_ok=True)
            begun = is_begun(path)
            if not begun and any(each.name not in _OWN_FILES for each in folder.iterdir()):
                raise UsageError(f"{folder} holds files that are no run: choose a new or an empty folder.")
        if begun:
            run = cls.open(folder)
            with run._closed_on_error():
                run._extend(spec, games)
            return run
        with locked(folder):
            run = cls(folder, connect(path, create=True))
            with run._closed_on_error():
                run._begin(spec, games)
            return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Returns the run in this folder.

        Raises:
            UsageError: there is none.
            StoreDamaged: it is not what was written.
            StoreVersion: a newer version of the package wrote it.
        """
        path = Path(folder) / DATABASE
        if not path.is_file():
            raise UsageError(f"There is no run in {folder}: give the folder that holds {DATABASE}.")
        return cls(Path(folder), connect(path))

    def close(self) -> None:
        """Closes the database; the folder is then complete in itself and can be copied."""
        self._database.close()

    def __enter__(self) -> "Run":
        """Returns the run."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the run."""
        self.close()

    @contextlib.contextmanager
    def playing(self) -> Iterator[None]:
        """Keeps other processes from playing the run during the block; they can still read it.

        Raises:
            StoreError: another process plays it.
        """
        with locked(self.folder):
            yield

    # What is played

    @property
    def spec(self) -> RunSpec:
        """The resolved specification of the run.

        Raises:
            StoreDamaged: it cannot be read.
        """
        if self._spec is None:
            self._spec = self._read_spec()
        return self._spec

    def games(self) -> list[GameRow]:
        """Returns every game, in the order in which tables show them."""
        with guarded(self.path):
            return read_games(self._db)

    def iter_games(self, chunk: int = 500) -> Iterator[GameRow]:
        """Yields every game in the order of `games`, with no more than `chunk` of them in memory."""
        skip = 0
        while True:
            with guarded(self.path):
                rows = read_games(self._db, skip, chunk)
            yield from rows
            skip += len(rows)
            if len(rows) < chunk:
                return

    def count_games(self) -> int:
        """Returns the number of games."""
        return int(self._database.all("SELECT count(*) FROM game")[0][0])

    def progress(self, game: str) -> GameProgress:
        """Returns how far a game (by its key) has been played; one without hops stands at its prompt."""
        with guarded(self.path):
            return read_progress(self._db, game)

    def hops(self, game: str) -> list[Hop]:
        """Returns the hops of a game in order, with the inputs and results of their calls."""
        with guarded(self.path):
            return read_hops(self._calls, game, self.artefact)

    def count(self) -> dict[Outcome, int]:
        """Returns the number of hops by outcome."""
        rows = self._database.all("SELECT outcome, count(*) FROM hop h JOIN call c ON c.id = h.call GROUP BY outcome")
        found = {row[0]: int(row[1]) for row in rows}
        return {outcome: found.get(outcome.value, 0) for outcome in Outcome}

    def add_models(self, models: Iterable[ModelSpec]) -> None:
        """Adds models that are called without games; one that is there is left as it is.

        A model whose weights or options have changed is another one and is added beside the earlier one: its calls
        have other keys. The models of games cannot change.

        Raises:
            UsageError: games of the run are played by the model of this address with another fingerprint.
            StoreError: the run cannot be written, or is being played by another process.
        """
        wanted = list(models)
        if self.spec.with_models(wanted) == self.spec:
            return
        with locked(self.folder):
            self._spec = None  # another process may have added some in the meantime
            self._write_spec(self.spec.with_models(wanted), ())

    # Calls

    def find_call(self, key: str) -> Call | None:
        """Returns an earlier successful call of this request key, or None."""
        with guarded(self.path):
            return self._calls.find(key, self.artefact)

    def reserve(self, requests: Iterable[Request]) -> None:
        """Writes that calls are about to be sent; when it returns that is on the disk.

        A reservation that is neither recorded nor written off counts as a call of unknown cost.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        wanted = list(requests)
        with self._writing_calls():
            self._add_artefacts(parent for request in wanted for parent in request.parents)
            self._calls.reserve(wanted)

    def record(self, calls: Iterable[Call], hops: Iterable[Hop] = ()) -> None:
        """Writes calls that have ended and the hops that use them, all or nothing; images are written before rows.

        The reservations of the calls are replaced. Writing the same calls and hops again changes nothing. A hop may
        replace one that was refused or failed, never a successful one.

        Args:
            calls: that have ended.
            hops: whose calls are among these, or were recorded before.

        Raises:
            StoreError: a game or call is unknown, another successful hop is there, or the disk is full.
        """
        ended, steps = list(calls), list(hops)
        made = [call.result for call in ended if call.result is not None]
        self._database.check_file()
        self.images.write(artefact for artefact in made if artefact.kind == "image")
        with self._writing_calls():
            self._add_artefacts(parent for call in ended for parent in call.request.parents)
            self._add_artefacts(made, written=True)
            add_hops(self._calls, steps, self._calls.add_calls(ended))

    def write_off(self, rows: Iterable[WriteOff]) -> None:
        """Writes what calls have cost that are not recorded: they were given up, or had no answer.

        Args:
            rows: the reservation of a row with a key is removed.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        with self._writing_calls():
            for row in rows:
                if row.calls:
                    add_spending(self._db, row)
                self._calls.release(row.key)

    def recover(self) -> None:
        """Counts reservations that a killed session left as failed calls of unknown cost.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        if self._calls.abandoned():
            with self._writing_calls():
                self._calls.recover()

    def write_images(self, images: Iterable[Artefact]) -> None:
        """Writes images that `record` will refer to; safe in several threads.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        self._database.check_file()
        self.images.write(images)

    def spending(self) -> dict[str, Spending]:
        """Returns by model what all calls of all sessions have cost and how long they took."""
        with guarded(self.path):
            return read_spending(self._db)

    def artefact(self, sha: str) -> Artefact:
        """Returns the artefact of this content hash, checked against it.

        Raises:
            StoreDamaged: it is missing, or is not what was written.
        """
        found = self._database.all("SELECT kind, CAST(data AS BLOB) FROM artefact WHERE sha = ?", sha)
        if not found:
            raise StoreDamaged(
                f"{self.path} has no artefact {sha[:12]}...: restore it from a copy, or start a new run."
            )
        kind, data = found[0]
        if kind == "image":
            return Artefact.known("image", self.images.read(sha), sha)
        if data is None or content_hash(data) != sha:
            raise StoreDamaged(
                f"A text in {self.path} is not what was written ({sha[:12]}...): restore it from a copy."
            )
        return Artefact.known("text", data, sha)

    # Scores and vectors

    def put_scores(self, scorer: ScorerRow, scores: Iterable[Score]) -> None:
        """Writes scores; an earlier score of the same pair, kind and item is replaced.

        Args:
            scorer: by its kind, name and fingerprint.
            scores: one for each subject, reference, kind and item.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        rows = list(scores)
        with self._database.transaction() as db:
            add_scores(db, scorer, rows)

    def scores(self, scorer: ScorerRow) -> list[Score]:
        """Returns every score of a scorer; none if it has written none.

        Raises:
            StoreDamaged: a detail cannot be read.
        """
        with guarded(self.path):
            return read_scores(self._db, scorer, self.path)

    def scorers(self, kind: ScorerKind | None = None) -> list[ScorerRow]:
        """Returns the scorers that have written scores, the first one first; those of one kind if it is given."""
        with guarded(self.path):
            return read_scorers(self._db, kind)

    def score_columns(self) -> dict[str, ScoreColumn]:
        """Returns what each column of scores in `frame()` holds: the scorer, the kind, and texts or images."""
        with guarded(self.path):
            return score_columns(self._db)

    def put_vectors(self, embedder: EmbedderRow, vectors: Mapping[str, Any]) -> None:
        """Writes vectors of texts and images.

        Args:
            embedder: by its name and fingerprint.
            vectors: by content hash, each of any length and scale; only directions are stored.

        Raises:
            StoreError: the disk is full or cannot be written.
        """
        with self._database.transaction() as db:
            add_vectors(db, embedder, vectors)

    def vectors(self, embedder: EmbedderRow) -> dict[str, Vector]:
        """Returns the vectors of an embedder by content hash: float32, unit length; empty ones left out."""
        with guarded(self.path):
            return read_vectors(self._vector_rows("v.sha, v.data", embedder))

    def embedded(self, embedder: EmbedderRow) -> set[str]:
        """Returns the content hashes that an embedder has processed, also those without a direction."""
        with guarded(self.path):
            return {row[0] for row in self._vector_rows("v.sha", embedder)}

    def embedders(self) -> list[EmbedderRow]:
        """Returns the embedders that have written vectors, the first one first."""
        with guarded(self.path):
            return read_embedders(self._db)

    # The run as a whole

    def turns(self) -> "pd.DataFrame":
        """Returns the data frame of `frame` without scores: what was played, before it is scored."""
        with guarded(self.path):
            return turns(self._db, self.spec, self.images)

    def frame(self, turns: "pd.DataFrame | None" = None) -> "pd.DataFrame":
        """Returns a data frame with one row a turn; `telephone.store.frame` explains its columns.

        Args:
            turns: what `turns` returned, if it has been called; the turns are then not read again.
        """
        found = self.turns() if turns is None else turns
        with guarded(self.path):
            return frame(self._db, found)

    def verify(self) -> list[Problem]:
        """Reads everything back, recomputes all hashes and follows every game; an empty list means no problem."""
        try:
            spec: RunSpec | None = self.spec
        except StoreDamaged:
            spec = None
        with guarded(self.path):
            return verify(self._db, spec, self.images)

    @contextlib.contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def _writing_calls(self) -> Iterator[None]:
        """Keeps the reservations in memory as they are on the disk."""
        with self._calls.undone_on_error(), self._database.transaction():
            yield

    def _extend(self, spec: RunSpec, games: Games) -> None:
        """Adds what is new; only then is the lock taken."""
        if self._extended(spec) == self.spec:
            return
        with locked(self.folder):
            self._spec = None  # another process may have extended the run in the meantime
            extended = self._extended(spec)
            if extended != self.spec:
                self._write_spec(extended, games)

    def _extended(self, spec: RunSpec) -> RunSpec:
        if differences := spec.lacks(self.spec):
            raise UsageError(another(self.folder, differences, self.spec, spec))
        return self.spec.grown(spec)

    def _begin(self, spec: RunSpec, games: Games) -> None:
        """Writes the specification before the first call; a folder that was killed in this moment starts over."""
        if self._database.all("SELECT 1 FROM meta WHERE key = 'spec'"):  # another process was faster
            if self._extended(spec) != self.spec:
                self._write_spec(self._extended(spec), games)
            return
        self._write_spec(spec, games)

    def _write_spec(self, spec: RunSpec, games: Games) -> None:
        rows = list(games(spec) if callable(games) else games)
        self.images.write(opening(prompt) for prompt in spec.prompts if prompt.image is not None)
        text = spec.to_json()
        with self._database.transaction() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('spec', ?, ?)", (text, checksum("spec", text)))
            self._add_artefacts((opening(prompt) for prompt in spec.prompts), written=True)
            add_games(db, rows, {prompt.id: opening(prompt).sha256 for prompt in spec.prompts})
        self._spec = spec

    def _read_spec(self) -> RunSpec:
        found = self._database.all("SELECT value FROM meta WHERE key = 'spec'")
        if not found:
            raise StoreDamaged(f"{self.path} has no specification of its run: start a new run in another folder.")
        return RunSpec.from_json(found[0][0], self.images.read)

    def _add_artefacts(self, artefacts: Iterable[Artefact], *, written: bool = False) -> None:
        """Adds rows of artefacts, inside a transaction; images whose file may be missing are written first."""
        known = "SELECT 1 FROM artefact WHERE sha = ?"
        if not written:
            unique = {each.sha256: each for each in artefacts}
            artefacts = [each for sha, each in unique.items() if not self._db.execute(known, (sha,)).fetchone()]
            self.images.write(each for each in artefacts if each.kind == "image")
        rows = ((each.sha256, each.kind, len(each.data), _text_data(each)) for each in artefacts)
        self._db.executemany("INSERT OR IGNORE INTO artefact VALUES (?, ?, ?, ?)", rows)

    def _vector_rows(self, columns: str, embedder: EmbedderRow) -> list[Any]:
        return self._database.all(
            f"SELECT {columns} FROM vector v JOIN embedder e ON e.id = v.embedder"
            " WHERE e.name = ? AND e.fingerprint = ?",
            embedder.name,
            embedder.fingerprint,
        )


def _text_data(artefact: Artefact) -> bytes | None:
    """Returns what the database holds of an artefact: images are files."""
    return artefact.data if artefact.kind == "text" else None
