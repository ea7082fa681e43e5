"""Reads finished runs: verification, comparison, leaderboard over many runs, and single games."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core.errors import StoreDamaged, UsageError
from telephone.core.file_names import shell_word
from telephone.pipeline.battles import is_battle, open_battle
from telephone.pipeline.results import VerifyResult
from telephone.store import Problem, Run, RunSpec

if TYPE_CHECKING:
    from telephone.analysis import CrossRunLeaderboard, RunComparison
    from telephone.report import PlayedGame

SHORTEST = 3
"""Characters that are accepted as the start of a game's name or key."""


@dataclass(frozen=True)
class RunsLeaderboard:
    """One table of models over several runs."""

    judge: str
    runs: tuple[str, ...]
    """Folders, relative to the folder that was searched."""
    games: int
    boards: tuple[CrossRunLeaderboard, ...]
    """Text-to-image models, then image-to-text models."""
    pool_notes: tuple[str, ...]
    """Sentences on runs that were left out or judged differently."""

    @property
    def notes(self) -> tuple[str, ...]:
        """All sentences a reader should know, those of the boards included."""
        return tuple(dict.fromkeys((*self.pool_notes, *(board.note for board in self.boards if board.note))))


@dataclass(frozen=True)
class RunGames:
    """The games of a run that have started."""

    folder: Path
    spec: RunSpec
    planned: int
    """Number of games of the run."""
    games: tuple[PlayedGame, ...]


@dataclass(frozen=True)
class FoundGame:
    """One game of a run."""

    key: str
    """Its full hash."""
    game: PlayedGame


def verify(folder: str | Path) -> VerifyResult:
    """Reads a run back, hashes everything again and follows every chain.

    Raises:
        UsageError: there is no run in the folder.
        StoreVersion: a newer version of the package wrote it.
    """
    try:
        with Run.open(folder) as run:
            return VerifyResult(run.folder, tuple(run.verify()))
    except StoreDamaged as error:
        return VerifyResult(Path(folder), (Problem("run.sqlite", str(error)),))


def compare(folders: Sequence[str | Path], measure: str = "", when: str = "final", judge: str = "") -> RunComparison:
    """Compares runs with the first one, level by level, on the prompts and pairs that all of them played.

    Args:
        folders: the runs' folders, two or more.
        measure: A name of `MEASURES`; empty is the one that answers for all runs.
        when: `final` (after the last turn) or `mean` (over all turns).
        judge: part of the name of the judge of distances; empty is the first one.

    Raises:
        UsageError: there is no run in a folder, or the runs have nothing in common.
        StoreError: a run cannot be read.
    """
    from telephone.analysis import compare_runs

    with ExitStack() as stack:
        names = _names([Path(folder) for folder in folders])
        runs = {name: stack.enter_context(open_battle(folder)) for name, folder in zip(names, folders, strict=True)}
        return compare_runs(runs, measure, when, judge)


def leaderboard(folder: str | Path, measure: str = "", when: str = "final", judge: str = "") -> RunsLeaderboard:
    """Ranks all models of all runs under a folder, whatever prompts and partners each of them had.

    Args:
        folder: every run under it counts, at any depth.
        measure: A name of `MEASURES`; empty is the one that answers for all runs.
        when: `final` (after the last turn) or `mean` (over all turns).
        judge: part of the name of the judge of distances; empty is the first one.

    Raises:
        UsageError: there is no run under the folder.
        StoreError: a run cannot be read.
    """
    from telephone.analysis import cross_run_leaderboard, pool_games

    folder = Path(folder)
    paths = sorted(path.parent for path in folder.rglob("run.sqlite"))
    if not paths:
        raise UsageError(f"There is no run under {folder}: give the folder that holds the folders of runs.")
    with ExitStack() as stack:
        opened = {_name_under(folder, path): stack.enter_context(Run.open(path)) for path in paths}
        runs = {name: run for name, run in opened.items() if is_battle(run)}
        if not runs:
            raise UsageError(f"No run under {folder} has games: give the folder that holds the folders of battles.")
        pool = pool_games(runs, measure, judge)
    boards = tuple(cross_run_leaderboard(pool.games, side, pool.measure, when) for side in ("t2i", "i2t"))
    return RunsLeaderboard(pool.judge, tuple(pool.runs), len(pool.games), boards, tuple(pool.notes))


def games(folder: str | Path, levels: Sequence[str] = (), prompt: str = "") -> RunGames:
    """Returns the games of a run that have started, sorted by level, prompt and models.

    Args:
        folder: the run's folder.
        levels: only these; none means all.
        prompt: only prompts that contain these words, in any case.

    Raises:
        UsageError: there is no run in the folder.
        StoreError: the run cannot be read.
    """
    with open_battle(folder) as run:
        found = [
            game
            for game in _games(run)
            if (not levels or game.level in levels) and prompt.lower() in game.prompt.lower()
        ]
        return RunGames(run.folder, run.spec, len(run.games()), tuple(found))


def find_game(folder: str | Path, name: str) -> FoundGame:
    """Returns the game of a name.

    Args:
        folder: the run's folder.
        name: the game's six-digit name, or the start of its name or key.

    Raises:
        UsageError: no game, or more than one, has such a name, or it has not started.
        StoreError: the run cannot be read.
    """
    with open_battle(folder) as run:
        rows = run.games()
        wanted = name.strip().lower()
        found = [row for row in rows if row.conversation == wanted]
        if not found and len(wanted) >= SHORTEST:
            found = [row for row in rows if row.conversation.startswith(wanted) or row.key.startswith(wanted)]
        if len(found) > 1:
            several = ", ".join(row.conversation for row in found[:5])
            raise UsageError(f"{len(found)} games start with {name!r} ({several}): write more of the name.")
        if not found:
            near = difflib.get_close_matches(wanted, [row.conversation for row in rows], n=3, cutoff=0.5)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(
                f"There is no game {name!r} in {folder}.{hint} `telephone show {shell_word(folder)}` lists them."
            )
        started = [game for game in _games(run) if game.name == found[0].conversation]
    if not started:
        raise UsageError(
            f"The game {found[0].conversation} has not started: play it with `telephone resume {shell_word(folder)}`."
        )
    return FoundGame(found[0].key, started[0])


def _games(run: Run) -> list[PlayedGame]:
    from telephone.analysis import scored_frame
    from telephone.report import games_of

    return games_of(scored_frame(run), run.spec.turns, run.images.path)


def _names(folders: Sequence[Path]) -> list[str]:
    """Returns the last parts of the paths; the whole paths where two of them are equal."""
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _name_under(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder)) if path != folder else path.resolve().name
