"""The sentences of a report that need only counting: its title, its first lines, what was played and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.core.records import LEVELS
from telephone.report.html.report_data import Count

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from telephone.analysis import Counts
    from telephone.store import ModelSpec, RunSpec

_NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def number(count: int) -> str:
    """Returns a count as a word up to twelve, in digits beyond."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Returns a count with its noun, such as `one game` or `120 games`."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def title(description: RunSpec, games: int) -> str:
    """Returns the headline: who played how much."""
    t2i, i2t = sides(description)
    draw = "model draws" if len(t2i) == 1 else "models draw"
    describe = "describes" if len(i2t) == 1 else "describe"
    words = f"{number(len(t2i))} {draw}, {number(len(i2t))} {describe}: {counted(games, 'game')}"
    return f"{words} of {counted(description.turns, 'turn')}".capitalize()


def lead(description: RunSpec) -> str:
    """Returns the lines under the headline."""
    prompts, pairs = len(description.prompts), len(description.lines)
    what = "sentence" if all(prompt.first == "text" for prompt in description.prompts) else "prompt"
    levels = [level for level in LEVELS if any(prompt.level == level for prompt in description.prompts)]
    span = f"from {levels[0]} to {levels[-1]}" if len(levels) > 1 else f"all {levels[0]}" if levels else ""
    who = f"{counted(pairs, 'pair')} of players".capitalize()
    told = f"{who} passed {counted(prompts, what)} on, {span}, by drawing and describing in turn."
    return f"{told} What is left of the first {what} in the end?"


def counts(found: Counts) -> tuple[Count, ...]:
    """Returns what was planned and how it ended; what never happened is left out."""
    begun = [
        Count(found.planned, "games planned" if found.planned != 1 else "game planned"),
        Count(found.finished, "finished"),
    ]
    rest = [
        Count(found.failed, "failed", True),
        Count(found.refused, "refused", True),
        Count(found.unfinished, "still to play", True),
        Count(found.undistanced, "descriptions unscored" if found.undistanced != 1 else "description unscored", True),
    ]
    return (*begun, *(count for count in rest if count.number > 0))


def settings(description: RunSpec, judges: Iterable[str], frame: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Returns how it was played, as pairs of label and value; lines of a value are separated by line breaks."""
    t2i, i2t = sides(description)
    rows = [
        ("Text-to-image", "\n".join(_player(row) for row in t2i)),
        ("Image-to-text", "\n".join(_player(row) for row in i2t)),
        ("Judges", "\n".join(judges) or "none yet"),
        ("Prompts", _prompts(description)),
        ("Turns a game", str(description.turns)),
        ("Repeats", str(description.repeats)),
        ("Seed of the run", str(description.seed)),
        ("Time in players", _time(frame)),
        ("Cost", _cost(frame)),
        ("Tokens cut off", f"{int(frame['tokens_cut'].sum()):,}" if "tokens_cut" in frame.columns else ""),
        ("Versions", ", ".join(f"{name} {version}" for name, version in sorted(description.versions.items()))),
        ("Commit", description.commit),
    ]
    return tuple((label, value) for label, value in rows if value)


def sides(description: RunSpec) -> tuple[list[ModelSpec], list[ModelSpec]]:
    """Returns the players that draw and those that describe."""
    draw = [row for row in description.models if row.kind == "text2image"]
    describe = [row for row in description.models if row.kind == "image2text"]
    return draw, describe


def _player(row: ModelSpec) -> str:
    unseeded = "" if row.seeds else ", ignores seeds"
    return f"{row.name}: {row.ref} on {row.device}{unseeded}, fingerprint {row.fingerprint[:16]}"


def _prompts(description: RunSpec) -> str:
    levels = [(level, sum(prompt.level == level for prompt in description.prompts)) for level in LEVELS]
    spread = ", ".join(f"{number(count)} {level}" for level, count in levels if count)
    sources = sorted({prompt.source for prompt in description.prompts if prompt.source})
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
