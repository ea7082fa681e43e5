"""Error rates and coverage of every statement of the report, in simulated battles whose true answers are known.

    python benchmarks/statistics_errors.py --battles 500 --out errors.csv
    python benchmarks/statistics_errors.py --out errors.csv --write

A battle has scores of equal models (or of models with known means), moved by prompts, their interactions with models,
and chance: normal, exponential, or discrete at the ceiling. Each cell of the design is written to the file as it is
finished, and a second call continues. `--write` puts the table into docs/statistics.md.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.inference.question_family import holm_levels, p_of_first
from telephone.analysis.inference.score_tensor import ScoreTensor
from telephone.analysis.inference.share_interval import clustered_proportion
from telephone.analysis.inference.side_shares import compare_sides
from telephone.analysis.inference.sign_flips import compare_pairs, first_at, holm_adjust, rank_bounds, sign_flip_test

Floats = NDArray[np.float64]
LEVELS = ("easy", "medium", "hard", "impossible")
KINDS = ("gaussian", "skewed", "ceiling")
SIZES = ((2, 2), (3, 4), (6, 6))
PROMPTS = {
    "1 a level": (1, 1, 1, 1), "2 a level": (2, 2, 2, 2), "3/3/3/1": (3, 3, 3, 1), "3 a level": (3, 3, 3, 3),
    "25 a level": (25, 25, 25, 25),
}  # fmt: skip
STEP = 0.08
"""Between the means of models in battles with differences, in units in which a game's chance is 0.06."""
FIELDS = ("truth", "models", "prompts", "scores", "statement", "rate", "of")
DOCS = Path(__file__).parents[1] / "docs" / "statistics.md"
MARKS = ("<!-- error rates: start -->", "<!-- error rates: end -->")


@dataclass(frozen=True)
class Cell:
    """One cell of the design."""

    truth: str
    """equal, steps or top two equal"""
    models: tuple[int, int]
    prompts: str
    kind: str

    @property
    def key(self) -> tuple[str, ...]:
        """Returns the columns that name the cell."""
        return (self.truth, f"{self.models[0]} x {self.models[1]}", self.prompts, self.kind)

    @property
    def strata(self) -> tuple[str, ...]:
        """Returns the level of each prompt."""
        return tuple(level for level, count in zip(LEVELS, PROMPTS[self.prompts], strict=True) for _ in range(count))

    @property
    def floor(self) -> float:
        """Returns what is added to scores at the ceiling, so that 0 is nothing lost."""
        return (0.1 / 0.3) * (0.1 + 0.05 + 0.05 + 0.06) - float(self.means.min()) if self.kind == "ceiling" else 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """Returns the limits of the measure, those of a distance."""
        return (0.0, 2.0) if self.kind == "ceiling" else (-np.inf, np.inf)

    @property
    def means(self) -> Floats:
        """Returns the true means of the text-to-image models, centred."""
        steps = np.arange(self.models[0]) * (0.0 if self.truth == "equal" else STEP)
        if self.truth == "top two equal":
            steps = np.maximum(steps, STEP)
        return np.asarray(steps - steps.mean())


def cells() -> Iterator[Cell]:
    """Yields the design."""
    for models in SIZES:
        for prompts in PROMPTS:
            for kind in KINDS:
                yield Cell("equal", models, prompts, kind)
    for models in SIZES[1:]:
        for prompts in ("3/3/3/1", "25 a level"):
            yield Cell("top two equal", models, prompts, "gaussian")
    for models in SIZES:
        for prompts in ("3/3/3/1", "25 a level"):
            for kind in KINDS:
                yield Cell("steps", models, prompts, kind)


def noise(generator: np.random.Generator, kind: str, *shape: int) -> Floats:
    """Returns noise of mean 0 and standard deviation 1."""
    if kind == "gaussian":
        return generator.normal(size=shape)
    if kind == "skewed":
        return generator.exponential(size=shape) - 1.0
    return (np.where(generator.random(shape) < 0.1, 1.0, 0.0) - 0.1) / 0.3


def battle(generator: np.random.Generator, cell: Cell) -> Floats:
    """Returns scores [t, c, prompts]; the second side has equal models."""
    (t, c), p = cell.models, len(cell.strata)
    centres = np.array([LEVELS.index(level) for level in cell.strata]) * 0.1
    scores = cell.means[:, None, None] + centres + 0.1 * noise(generator, cell.kind, 1, 1, p)
    scores = scores + 0.05 * noise(generator, cell.kind, t, 1, p) + 0.05 * noise(generator, cell.kind, 1, c, p)
    return np.asarray(scores + 0.06 * noise(generator, cell.kind, t, c, p) + cell.floor)


def statements(cell: Cell, scores: Floats) -> dict[str, float]:
    """Returns by statement whether it is made wrongly, or (coverage, power) whether it is right; NaN where not made."""
    wide, other = scores.mean(1).T, scores.mean(0).T
    sides = compare_sides(ScoreTensor(scores[..., None], ("d",) * cell.models[0], ("w",) * cell.models[1], cell.strata))
    family = holm_levels({
        "t2i": p_of_first(wide, True), "i2t": p_of_first(other, True),
        "sides": float("nan") if sides is None else sides.p,
    })  # fmt: skip
    made = {name: family.p.get(name, 1.0) <= family.level(name) for name in ("t2i", "i2t", "sides")}
    truth, first = cell.means, first_at(wide, True)
    unique = (truth == truth.min()).sum() == 1
    crowned = made["t2i"] and not (unique and first == int(np.argmin(truth)))
    wrong_sides = made["sides"] and (cell.truth == "equal" or (sides is not None and sides.difference < 0))
    found = {
        "error: a model keeps most, t2i": crowned, "error: a model keeps most, i2t": made["i2t"],
        "error: one side matters more": wrong_sides,
        "error: any of the three": crowned or made["i2t"] or wrong_sides,
    }  # fmt: skip
    if cell.truth != "equal":
        found["power: the side matters more"] = made["sides"] and not wrong_sides
    if unique:
        found["power: the first model is named"] = made["t2i"] and not crowned
    return found | pairs(cell, wide, family.level("t2i")) | means(cell, wide)


def pairs(cell: Cell, wide: Floats, level: float) -> dict[str, float]:
    """Returns the statements about pairs of models and ranks."""
    truth, t = cell.means, cell.models[0]
    found = compare_pairs(wide, level, first_at(wide, True))
    gaps = np.array([truth[one] - truth[other] for one, other in combinations(range(t), 2)])
    alone = estimate_means(np.stack([wide[:, a] - wide[:, b] for a, b in found.pairs], axis=1), cell.strata)
    low, high = rank_bounds(found.better(t, True))
    least = 1 + (truth[None, :] < truth[:, None] - 1e-9).sum(1)
    most = t - (truth[None, :] > truth[:, None] + 1e-9).sum(1)
    known = ~np.isnan(found.low)
    inside = ((found.low <= gaps + 1e-9) & (gaps <= found.high + 1e-9))[known]
    wrong = found.significant & ((np.abs(gaps) < 1e-9) | (np.sign(found.difference) != np.sign(gaps)))
    single = (alone.low <= gaps) & (gaps <= alone.high)
    return {
        "coverage: unadjusted difference of a pair": _mean(single[~np.isnan(alone.low)]),
        "error: some unadjusted difference of equal models excludes 0": _any(single, alone.low, np.abs(gaps) < 1e-9),
        "error: some significant difference": bool(wrong.any()),
        "coverage: all adjusted differences": bool(inside.all()) if known.any() else float("nan"),
        "coverage: all rank intervals": bool(((low <= least) & (most <= high)).all()),
    }


def means(cell: Cell, wide: Floats) -> dict[str, float]:
    """Returns the statements about means, overall and of one level."""
    levels = np.array([LEVELS.index(level) for level in cell.strata]) * 0.1
    whole = estimate_means(wide, cell.strata, cell.limits)
    own = cell.means + cell.floor
    truth = own + levels.mean()
    easy = np.array([level == "easy" for level in cell.strata])
    part = estimate_means(wide[easy], ["easy"] * int(easy.sum()), cell.limits)
    return {
        "coverage: mean over all levels": _mean(((whole.low <= truth) & (truth <= whole.high))[~np.isnan(whole.low)]),
        "coverage: mean of one level": _mean(((part.low <= own) & (own <= part.high))[~np.isnan(part.low)]),
    }


def others(generator: np.random.Generator, cell: Cell) -> dict[str, float]:
    """Returns the statements that need no models: shares of facts, rows of a comparison, and of contraction."""
    n = len(cell.strata)
    risks = np.full(n, 28.0)
    chance = generator.beta(9, 1, size=n)
    kept = generator.binomial(28, chance).astype(float)
    _, low, high = clustered_proportion(kept, risks, cell.strata)
    gaps = 0.1 * noise(generator, cell.kind, n, 1) - 0.1 * noise(generator, cell.kind, n, 1)
    rows = [gaps[[level in (name, "all") for level in cell.strata], 0] for name in (*LEVELS,)] + [gaps[:, 0]]
    chances = np.array([sign_flip_test(row) for row in rows])
    lines = np.array([sign_flip_test(row) for row in generator.normal(size=(12, n))])
    return {
        "coverage: share of facts": low <= 0.9 <= high if low == low else float("nan"),
        "error: some row of equal runs, by sign flips with Holm": bool((holm_adjust(chances) <= 0.05).any()),
        "error: some of twelve lines contracts, by sign flips with Holm": bool((holm_adjust(lines) <= 0.05).any()),
    }


def _mean(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if flags.size else float("nan")


def _any(covered: NDArray[np.bool_], low: Floats, equal: NDArray[np.bool_]) -> float:
    chosen = equal & ~np.isnan(low)
    return bool((~covered[chosen]).any()) if chosen.any() else float("nan")


def measured(cell: Cell, battles: int) -> list[dict[str, object]]:
    """Returns the rows of a cell: the rate of each statement and the battles in which it could be made."""
    generator = np.random.default_rng([ord(letter) for letter in "".join(cell.key)])
    rows = []
    for _ in range(battles):
        found = statements(cell, battle(generator, cell))
        if cell.truth == "equal" and cell.models == SIZES[0]:
            found |= others(generator, cell)
        rows.append(found)
    table = []
    for name in rows[0]:
        values = np.array([float(row[name]) for row in rows])
        known = values[~np.isnan(values)]
        rate = f"{known.mean():.4f}" if len(known) else ""
        named = dict(zip(FIELDS[:4], cell.key, strict=True))
        table.append({**named, "statement": name, "rate": rate, "of": len(known)})
    return table


def summary(rows: list[dict[str, str]]) -> str:
    """Returns the table of the docs: for each statement the range over scores, by models and prompts."""
    groups: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        if row["rate"]:
            key = (row["truth"], row["statement"], row["models"], row["prompts"])
            groups.setdefault(key, []).append(100 * float(row["rate"]))
    lines = []
    prompts = list(PROMPTS)
    for truth, statement in dict.fromkeys((row["truth"], row["statement"]) for row in rows):
        for models in dict.fromkeys(row["models"] for row in rows):
            found = [groups.get((truth, statement, models, name)) for name in prompts]
            if any(found):
                cells_ = ["" if each is None else _range(each) for each in found]
                lines.append(f"| {statement} | {truth} | {models} | " + " | ".join(cells_) + " |")
    head = "| statement | truth | models | " + " | ".join(prompts) + " |\n|" + "---|" * (3 + len(prompts))
    return "\n".join([head, *lines])


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} - {high:.1f}"


def main() -> None:
    """Measures the cells that the file lacks; writes or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--battles", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path("statistics_errors.csv"))
    parser.add_argument("--write", action="store_true", help="only write the table to docs/statistics.md")
    options = parser.parse_args()
    done = list(csv.DictReader(options.out.open(encoding="utf-8"))) if options.out.exists() else []
    if options.write:
        text = DOCS.read_text(encoding="utf-8")
        before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
        DOCS.write_text(f"{before}{MARKS[0]}\n\n{summary(done)}\n\n{MARKS[1]}{after}", encoding="utf-8")
        return
    finished = {tuple(row[name] for name in FIELDS[:4]) for row in done}
    for cell in cells():
        if cell.key not in finished:
            rows = measured(cell, options.battles)
            new = not options.out.exists()
            with options.out.open("a", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, FIELDS)
                if new:
                    writer.writeheader()
                writer.writerows(rows)
            done += [{name: str(row[name]) for name in FIELDS} for row in rows]
            print(*cell.key, flush=True)
    print(summary(done))


if __name__ == "__main__":
    main()
