"""Texts of the report that only count: its title, its subtitle, the numbers of games and the settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telephone.core.records import LEVELS
from telephone.report.html.report_data import Count

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from telephone.analysis import Counts
    from telephone.store import ModelSpec, RunSpec

_POSITION = re.compile(r", (line|item) \d+$")
NOISE = {"fresh": "fresh: a seed of its own for every turn", "fixed": "fixed: one seed for all turns of a game"}
"""The noise of a run in words."""
_NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def number(count: int) -> str:
    """Returns a count as a word up to twelve, and in digits above."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Returns a count with its noun, such as `one game` or `120 games`."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def title(spec: RunSpec, games: int) -> str:
    """Returns the title: the numbers of models, games and turns."""
    t2i, i2t = sides(spec)
    draw = "model draws" if len(t2i) == 1 else "models draw"
    describe = "describes" if len(i2t) == 1 else "describe"
    words = f"{number(len(t2i))} {draw}, {number(len(i2t))} {describe}: {counted(games, 'game')}"
    return f"{words} of {counted(spec.turns, 'turn')}".capitalize()


def subtitle(spec: RunSpec) -> str:
    """Returns the sentences below the title."""
    prompts, pairs = len(spec.prompts), len(spec.lines)
    what = "sentence" if all(prompt.first == "text" for prompt in spec.prompts) else "prompt"
    levels = [level for level in LEVELS if any(prompt.level == level for prompt in spec.prompts)]
    span = f"from {levels[0]} to {levels[-1]}" if len(levels) > 1 else f"all {levels[0]}" if levels else ""
    players = f"{counted(pairs, 'pair')} of models".capitalize()
    played = f"{players} passed on {counted(prompts, what)}, {span}, by drawing and describing in turn."
    return f"{played} How much of the first {what} is left at the end?"


def counts(found: Counts) -> tuple[Count, ...]:
    """Returns the numbers of games by state; states without games are left out."""
    always = [
        Count(found.planned, "games planned" if found.planned != 1 else "game planned"),
        Count(found.finished, "finished"),
    ]
    other = [
        Count(found.failed, "failed", True),
        Count(found.refused, "refused", True),
        Count(found.unfinished, "still to play", True),
        Count(found.undistanced, "descriptions unscored" if found.undistanced != 1 else "description unscored", True),
    ]
    return (*always, *(count for count in other if count.number > 0))


def settings(spec: RunSpec, judges: Iterable[str], frame: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Returns the settings of the run as pairs of label and value; a value may have several lines."""
    t2i, i2t = sides(spec)
    rows = [
        ("Text-to-image", "\n".join(_model(row) for row in t2i)),
        ("Image-to-text", "\n".join(_model(row) for row in i2t)),
        ("Judges", "\n".join(judges) or "none yet"),
        ("Prompts", _prompts(spec)),
        ("Turns per game", str(spec.turns)),
        ("Repeats", str(spec.repeats)),
        ("Seed of the run", str(spec.seed)),
        ("Noise", NOISE[spec.noise]),
        ("Time in models", _time(frame)),
        ("Cost", _cost(frame)),
        ("Tokens truncated", f"{int(frame['tokens_cut'].sum()):,}" if "tokens_cut" in frame.columns else ""),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(spec.versions.items()))),
        ("Commit", spec.commit),
    ]
    return tuple((label, value) for label, value in rows if value)


def sides(spec: RunSpec) -> tuple[list[ModelSpec], list[ModelSpec]]:
    """Returns the text-to-image and the image-to-text models."""
    t2i = [row for row in spec.models if row.kind == "text2image"]
    i2t = [row for row in spec.models if row.kind == "image2text"]
    return t2i, i2t


def _model(row: ModelSpec) -> str:
    unseeded = ", deterministic" if row.deterministic else "" if row.seeds else ", takes no seed"
    return f"{row.name}: {row.ref} on {row.device}{unseeded}, fingerprint {row.fingerprint[:16]}"


def _prompts(spec: RunSpec) -> str:
    levels = [(level, sum(prompt.level == level for prompt in spec.prompts)) for level in LEVELS]
    spread = ", ".join(f"{number(count)} {level}" for level, count in levels if count)
    # Prompts of a file state its name and the line; the name is enough here.
    sources = sorted({_POSITION.sub("", prompt.source) for prompt in spec.prompts if prompt.source})
    return f"{spread} ({', '.join(sources[:3])}{' and others' if len(sources) > 3 else ''})" if sources else spread


def _time(frame: pd.DataFrame) -> str:
    columns = [name for name in ("seconds_image", "seconds_text") if name in frame.columns]
    seconds = float(frame[columns].sum().sum()) if columns else 0.0
    return "" if not seconds else f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _cost(frame: pd.DataFrame) -> str:
    known = list(frame["cost"].dropna()) if "cost" in frame.columns else []
    if not any(known):
        return ""
    unknown = "" if len(known) == len(frame) else f"; {len(frame) - len(known):,} turns of unknown cost"
    return f"{sum(known):.2f} US dollars{unknown}"
