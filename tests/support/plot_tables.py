"""Small tables such as the analysis makes, with numbers that come from the names alone."""

import pandas as pd

from telephone.core import seeds

T2I = ("pocket/dalle-2", "pocket/stable-diffusion", "pocket/vqgan-clip")
I2T = ("pocket/blip", "pocket/clip-prefix", "pocket/minigpt-4", "pocket/mplug-owl")


def by_turn(turns: int = 10, levels: tuple[str, ...] = ("easy", "hard"), rising: bool = True) -> pd.DataFrame:
    """One row a level, pair and turn, with an interval; distances rise from turn to turn, shares fall."""
    rows = []
    for level in levels:
        for t2i in T2I:
            for i2t in I2T:
                pace = 0.15 + seeds.derive(level, t2i, i2t) / 2**32 * 0.5
                for step in range(turns):
                    noise = seeds.derive(level, t2i, i2t, step) / 2**32 * 0.06
                    gone = 0.85 * (1 - (1 - pace) ** (step + 1)) * 0.95 + noise
                    mean = gone if rising else 1 - gone
                    rows.append((level, t2i, i2t, step, mean, mean - 0.05, mean + 0.05, 3))
    names = ["level", "t2i_model", "i2t_model", "step_number", "mean", "low", "high", "n"]
    return pd.DataFrame(rows, columns=names)


def final(turns: int = 10) -> pd.DataFrame:
    """The last turn alone."""
    table = by_turn(turns)
    return table[table["step_number"] == turns - 1]


def many(painters: int, describers: int, options: str = "", turns: int = 10) -> pd.DataFrame:
    """Distances of any number of pairs, without intervals; all names carry the same options."""
    rows = [
        (f"local/painter-{t2i}{options}", f"api/describer-{i2t}{options}", step, 0.05 * step + 0.01 * (t2i + i2t))
        for t2i in range(painters) for i2t in range(describers) for step in range(turns)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["t2i_model", "i2t_model", "step_number", "mean"])
