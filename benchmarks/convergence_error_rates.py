"""How often a battle without a regime or without contraction is said to have one, for all its lines together.

python benchmarks/convergence_error_rates.py
python benchmarks/convergence_error_rates.py --battles 500
"""

import argparse

import numpy as np
import pandas as pd

from telephone.analysis.convergence.fixed_points import measure_contraction
from telephone.analysis.convergence.regimes import REGIMES, UNKNOWN, line_regimes
from telephone.analysis.convergence.text_space import TextTrajectories

SHARES = ((0.5, 0.5, 0.0), (0.5, 0.25, 0.25), (1 / 3, 1 / 3, 1 / 3))


def games(prompts: int, lines: int) -> pd.DataFrame:
    """Returns one game a line and prompt; prompts of even numbers are easy."""
    rows = [
        {"game": f"{line} {at}", "prompt_id": f"p{at}", "level": ("easy", "hard")[at % 2],
         "t2i_model": f"d{line // 4}", "i2t_model": f"w{line % 4}", "repeat": 0}
        for line in range(lines) for at in range(prompts)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def changes(generator: np.random.Generator, prompts: int, lines: int, width: int = 8) -> bool:
    """Returns whether anything is said about random descriptions that are exchangeable."""
    table = games(prompts, lines)
    vectors = generator.normal(size=(3 * len(table), width))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    states = np.arange(len(vectors)).reshape(-1, 3)
    texts = tuple(str(at) for at in range(len(vectors)))
    found = TextTrajectories(table, states, texts, vectors, "random vectors", np.full_like(states, -1))
    change = measure_contraction(found).change
    return bool(change.loc[change["level"] == "all", "significant"].any())


def labels(generator: np.random.Generator, shares: tuple[float, ...], prompts: int, lines: int) -> bool:
    """Returns whether any line has a label although no regime has more than half of all prompts."""
    table = games(prompts, lines)
    table = table.assign(regime=generator.choice(REGIMES, size=len(table), p=shares))
    found = line_regimes(table)
    return bool((found.loc[found["level"] == "all", "label"] != UNKNOWN).any())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--battles", type=int, default=60)
    args = parser.parse_args()
    print("| statement | prompts x lines | battles | said |\n|---|---|---|---|")
    rate = np.mean([changes(np.random.default_rng(at), 10, 12) for at in range(args.battles)])
    print(f"| contraction | 10 x 12 | {args.battles} | {rate:.1%} |", flush=True)
    for shares in SHARES:
        for prompts in (5, 10, 30):
            rate = np.mean([labels(np.random.default_rng(at), shares, prompts, 12) for at in range(args.battles)])
            words = ", ".join(f"{share:.0%}" for share in shares)
            print(f"| regime ({words}) | {prompts} x 12 | {args.battles} | {rate:.1%} |", flush=True)


if __name__ == "__main__":
    main()
