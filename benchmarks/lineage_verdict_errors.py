"""How often a verdict of the lineage is wrong: simulated items whose true value lies exactly at the claim's threshold.

python benchmarks/lineage_verdict_errors.py [REPETITIONS]

Prints, for each kind of values and number of items, the shares of repetitions with the verdicts `holds` and `does not
hold`; at the threshold both are errors.
"""

import sys
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.stats import binom

from telephone.lineage.result import Verdict
from telephone.lineage.verdicts import Decision, Threshold, judge_difference, judge_mean, judge_share

NUMBERS = (8, 12, 24, 60)


def errors_of_counts(n: int, threshold: float) -> tuple[float, float]:
    """Returns the exact shares of `holds` and `does not hold` for n items that are right with this probability."""
    chances = binom.pmf(np.arange(n + 1), n, threshold)
    verdicts = [judge_share("right", [1.0] * k + [0.0] * (n - k), Threshold(threshold)).verdict for k in range(n + 1)]
    found = {
        each: sum(chance for chance, verdict in zip(chances, verdicts, strict=True) if verdict is each)
        for each in (Verdict.HOLDS, Verdict.FAILS)
    }
    return float(found[Verdict.HOLDS]), float(found[Verdict.FAILS])


def errors(judge: Callable[[Generator], Decision], repetitions: int, seed: int = 0) -> tuple[float, float]:
    """Returns the shares of repetitions with the verdicts `holds` and `does not hold`."""
    generator = np.random.default_rng(seed)
    verdicts = [judge(generator).verdict for _ in range(repetitions)]
    return verdicts.count(Verdict.HOLDS) / repetitions, verdicts.count(Verdict.FAILS) / repetitions


def facts(share: float, concentration: float, n: int) -> Callable[[Generator], Decision]:
    """Returns a judge of shares of 3 to 9 facts; a small concentration makes facts of one item alike."""

    def judge(generator: Generator) -> Decision:
        own = generator.beta(share * concentration, (1 - share) * concentration, n)
        sizes = generator.integers(3, 10, n)
        return judge_share("facts kept", generator.binomial(sizes, own) / sizes, Threshold(share), sizes=sizes.tolist())

    return judge


def differences(share: float, n: int) -> Callable[[Generator], Decision]:
    """Returns a judge of differences of shares of five facts between two equal models."""

    def judge(generator: Generator) -> Decision:
        first, second = (generator.binomial(5, share, n) / 5 for _ in range(2))
        return judge_difference("facts kept", first, second)

    return judge


def means(kind: str, n: int) -> Callable[[Generator], Decision]:
    """Returns a judge of means whose true value is 0: normal, heavy-tailed or skewed."""
    draw: dict[str, Callable[[Generator], np.ndarray]] = {
        "normal": lambda generator: generator.normal(size=n),
        "t(3)": lambda generator: generator.standard_t(3, size=n),
        "exponential": lambda generator: generator.exponential(size=n) - 1,
    }
    return lambda generator: judge_mean("mean", draw[kind](generator), Threshold(0.0))


def main() -> None:
    """Prints the table."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rows: list[tuple[str, Callable[[int], tuple[float, float]]]] = [
        (f"right or wrong, true share {share}", lambda n, share=share: errors_of_counts(n, share))
        for share in (0.05, 0.3, 0.5, 0.8, 0.95)
    ]
    rows += [
        (
            f"shares of facts, true {share}, concentration {more}",
            lambda n, a=share, b=more: errors(facts(a, b, n), repetitions),
        )
        for share in (0.6, 0.8, 0.95)
        for more in (2, 20)
    ]
    rows.append(("differences of shares", lambda n: errors(differences(0.8, n), repetitions)))
    rows += [
        (f"means, {kind}", lambda n, kind=kind: errors(means(kind, n), repetitions))
        for kind in ("normal", "t(3)", "exponential")
    ]
    print(f"| values | {' | '.join(f'n = {n}' for n in NUMBERS)} |\n|---|{'---|' * len(NUMBERS)}")
    for name, measure in rows:
        cells = [f"{100 * holds:.1f} + {100 * fails:.1f}" for holds, fails in map(measure, NUMBERS)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
