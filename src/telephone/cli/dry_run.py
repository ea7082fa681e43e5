"""What `telephone play --dry-run` prints: the size of the battle, its pairs, and the forecast."""

from typing import TYPE_CHECKING

from telephone.cli.forecast import forecast_json, forecast_lines, print_models
from telephone.cli.formatting import counted
from telephone.cli.output import echo, print_json

if TYPE_CHECKING:
    from telephone.pipeline import PlannedRun
    from telephone.store import RunSpec


def battle_size(spec: "RunSpec") -> str:
    """Returns the size of a battle, such as `1 line x 3 prompts = 3 games of 10 turns, fresh noise`."""
    parts = [counted(len(spec.lines), "line"), counted(len(spec.prompts), "prompt")]
    if spec.repeats > 1:
        parts.append(f"{spec.repeats} repeats")
    games = len(spec.lines) * len(spec.prompts) * spec.repeats
    return f"{' x '.join(parts)} = {counted(games, 'game')} of {counted(spec.turns, 'turn')}, {spec.noise} noise"


def print_dry_run(planned: "PlannedRun", budget: float | None, json: bool) -> None:
    """Prints what `telephone play` would play, and what it is expected to cost."""
    spec, ahead = planned.spec, planned.forecast
    if json:
        print_json({
            "folder": str(planned.folder),
            "begun": planned.started,
            "lines": [{"t2i": t2i, "i2t": i2t} for t2i, i2t in spec.lines],
            "controls": [{"t2i": t2i, "i2t": i2t, "kind": kind} for t2i, i2t, kind in spec.controls],
            "prompts": [{"id": p.id, "level": p.level, "text": p.text} for p in spec.prompts],
            "turns": spec.turns,
            "repeats": spec.repeats,
            "seed": spec.seed,
            "noise": spec.noise,
            "games": planned.games,
            "games_left": ahead.games,
            **forecast_json(ahead),
        })  # fmt: skip
        return
    echo(battle_size(spec))
    marks = spec.control_lines
    for t2i, i2t in spec.lines:
        echo(f"  {t2i} draws, {i2t} describes" + (f" (control: {marks[t2i, i2t]})" if (t2i, i2t) in marks else ""))
    print_models(ahead)
    for line in forecast_lines(ahead, budget):
        echo(line)
    left = f": {counted(ahead.games, 'game')} of {planned.games:,} left" if planned.started else ""
    echo(f"{'Continues in' if planned.started else 'Would be written to'} {planned.folder}{left}")
