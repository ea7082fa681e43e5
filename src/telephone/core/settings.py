"""The only reader of the environment: folders, and the number of threads of local models."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from telephone.core.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """What the environment says, read once."""

    runs_dir: Path
    """Where new runs are written; `TELEPHONE_RUNS`, else `runs` in the current folder."""
    cache_dir: Path
    """Where files that can be made again are kept; `TELEPHONE_CACHE`, else the system's cache folder."""
    weights_dir: Path | None
    """Weights to use in place of the shipped ones, for those who train; `TELEPHONE_WEIGHTS`."""
    threads: int | None
    """Threads of a local model; `TELEPHONE_THREADS`, else the model's own choice."""
    ask_above: float
    """US dollars above which a battle needs confirmation; `TELEPHONE_ASK_ABOVE`, else 1."""
    keys_file: Path
    """Where keys of paid services are kept; `TELEPHONE_KEYS`, else `keys.toml` in the user's settings folder."""


def load() -> Settings:
    """Returns the settings of this process.

    Raises:
        UsageError: `TELEPHONE_THREADS` is not a positive whole number, or `TELEPHONE_ASK_ABOVE` is no amount.
    """
    env = os.environ
    threads = env.get("TELEPHONE_THREADS")
    if threads is not None and (not threads.isdecimal() or int(threads) < 1):
        raise UsageError(f"TELEPHONE_THREADS is {threads!r}; it must be a whole number of 1 or more.")
    weights = env.get("TELEPHONE_WEIGHTS")
    return Settings(
        runs_dir=Path(env.get("TELEPHONE_RUNS", "runs")),
        cache_dir=Path(env.get("TELEPHONE_CACHE", platformdirs.user_cache_dir("ai-telephone"))),
        weights_dir=Path(weights) if weights else None,
        threads=int(threads) if threads else None,
        ask_above=_amount("TELEPHONE_ASK_ABOVE", env.get("TELEPHONE_ASK_ABOVE", "1")),
        keys_file=Path(env.get("TELEPHONE_KEYS") or Path(platformdirs.user_config_dir("ai-telephone")) / "keys.toml"),
    )


def secret(name: str) -> str | None:
    """Returns a key that the environment holds under this name, None if it holds none; never a part of `Settings`."""
    return os.environ.get(name) or None


def _amount(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"{name} is {text!r}; it must be US dollars, 0 or more.")
    return value


def names(prefix: str) -> list[str]:
    """Returns the names of the variables that begin so and hold something, sorted; never what they hold."""
    return sorted(name for name, value in os.environ.items() if name.startswith(prefix) and value)
