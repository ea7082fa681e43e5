"""Films of a run: each game, and for each prompt the grid of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core.errors import UsageError
from telephone.core.file_names import shell_word
from telephone.core.output_files import check_output, write_output
from telephone.pipeline.battles import open_battle
from telephone.pipeline.paths import slug
from telephone.pipeline.reading import games

if TYPE_CHECKING:
    from telephone.report import PlayedGame

FORMATS = ("mp4", "webp", "gif")


@dataclass(frozen=True)
class FilmOptions:
    """Which films are written."""

    levels: tuple[str, ...] = ()
    """Only these; none means all."""
    prompt: str = ""
    """Only prompts that contain these words, in any case."""
    format: str | None = None
    """mp4, webp or gif; None is mp4 where ffmpeg is installed, else webp."""
    only_grids: bool = False
    """Whether the films of single games are left out."""


DEFAULT_FILMS = FilmOptions()


@dataclass(frozen=True)
class FilmResult:
    """Films on disk."""

    folder: Path
    files: tuple[Path, ...]


def films(folder: str | Path, output: str | Path | None = None, options: FilmOptions = DEFAULT_FILMS) -> FilmResult:
    """Writes films of a run's games.

    Args:
        folder: the run's folder.
        output: a folder for the films; None is `films` in the run's folder.
        options: which games, and in which format.

    Raises:
        UsageError: the format is unknown, no game matches, or there is no run in the folder.
        StoreError: the run cannot be read, or a film cannot be written.
    """
    from telephone.report import best_format

    if options.format is not None and options.format not in FORMATS:
        raise UsageError(f"{options.format!r} is no format of films: use one of {', '.join(FORMATS)}.")
    chosen = games(folder, options.levels, options.prompt).games
    if not chosen:
        raise UsageError(f"There is no such game in {folder}: `telephone show {shell_word(folder)}` lists them.")
    target = Path(output) if output is not None else Path(folder) / "films"
    written = _write(chosen, target, options.format or best_format(), options.only_grids)
    return FilmResult(target, tuple(written))


def game_film(game: PlayedGame, path: Path) -> Path:
    """Writes one game as a film and returns its path; the ending of the path is the format.

    Raises:
        UsageError: the format is unknown.
        StoreError: the file cannot be written.
    """
    from telephone.report import animate

    return animate(game, path)


def game_strip(game: PlayedGame, path: Path) -> Path:
    """Writes one game as a film strip, a PNG file, and returns its path.

    Raises:
        UsageError: the path does not end in .png.
        StoreError: the file cannot be written.
    """
    from telephone.core.images import encode_png
    from telephone.report import film_strip

    check_output(path, (".png",))
    write_output(path, encode_png(film_strip(game)))
    return path


def game_facts(folder: str | Path, game: PlayedGame, path: Path) -> Path:
    """Writes where each fact of a game went as a diagram, a PNG file, and returns its path.

    Args:
        folder: the run's folder.
        game: a game of this run, as `find_game` returns it.
        path: ends in .png.

    Raises:
        UsageError: the path does not end in .png, or the facts of this game were not counted.
        StoreError: the run cannot be read, or the file cannot be written.
    """
    from telephone.analysis.facts.fact_paths import fact_paths
    from telephone.plots import fact_paths_figure

    check_output(path, (".png",))
    with open_battle(folder) as run:
        table = fact_paths(run, run.frame(), game.key)
    if table.empty:
        raise UsageError(
            f"The facts of {game.name} are not counted: its prompt has words that the pocket world does not know, or "
            f"the run is not judged yet (`telephone judge {shell_word(Path(folder))}`)."
        )
    buffer = BytesIO()
    fact_paths_figure(table, game.prompt).savefig(buffer, format="png", metadata={"Software": None})
    write_output(path, buffer.getvalue())
    return path


def _write(chosen: tuple[PlayedGame, ...], folder: Path, ending: str, only_grids: bool) -> list[Path]:
    from telephone.report import animate, animate_grid

    written: list[Path] = []
    taken: set[Path] = set()
    for (prompt, first), group in groupby(chosen, key=lambda game: (game.prompt, game.first)):
        same = list(group)
        name = f"{same[0].level}-{slug(prompt) or 'prompt'}" + ("-picture" if first == "image" else "")
        target = _free(folder, name, taken)
        repeats = sorted({game.repeat for game in same})
        for repeat in repeats:
            name = "all-pairs" if repeats == [0] else f"all-pairs-{repeat + 1}"
            written.append(animate_grid([game for game in same if game.repeat == repeat], target / f"{name}.{ending}"))
        if not only_grids:
            written += [
                animate(game, target / f"{slug(game.t2i)}-{slug(game.i2t)}-{game.name}.{ending}") for game in same
            ]
    return written


def _free(folder: Path, name: str, taken: set[Path]) -> Path:
    """Prompts of one run may start alike; a second call gives the same names as the first."""
    place, number = folder / name, 2
    while place in taken:
        place, number = folder / f"{name}-{number}", number + 1
    taken.add(place)
    return place
