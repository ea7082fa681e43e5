"""The only reader of the environment: folders, and the number of threads of local models."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from telephone.core.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """What the environment says, read once."""

    runs_dir: Path
    """Where new runs are written; `TELEPHONE_RUNS`, else `runs` in the current folder."""
    cache_dir: Path | None
    """Where files that can be made again are kept; `TELEPHONE_CACHE`, else the system's cache folder, None without."""
    weights_dir: Path | None
    """Weights to use in place of the shipped ones, for those who train; `TELEPHONE_WEIGHTS`."""
    threads: int | None
    """Threads of a local model; `TELEPHONE_THREADS`, else the model's own choice."""
    ask_above: float
    """US dollars above which a battle needs confirmation; `TELEPHONE_ASK_ABOVE`, else 1."""
    keys_file: Path | None
    """Where keys of paid services are kept; `TELEPHONE_KEYS`, else `keys.toml` in the user's settings folder, None if
    the user has no home folder."""


def load() -> Settings:
    """Returns the settings of this process; an empty variable counts as unset, and `~` is the home folder.

    Raises:
        UsageError: `TELEPHONE_THREADS` is not a positive whole number, or `TELEPHONE_ASK_ABOVE` is no amount.
    """
    threads = _variable("TELEPHONE_THREADS")
    if threads is not None and (not threads.isdecimal() or int(threads) < 1):
        raise UsageError(f"TELEPHONE_THREADS is {threads!r}; it must be a whole number of 1 or more.")
    settings = _user_folder(platformdirs.user_config_dir)
    return Settings(
        runs_dir=_folder("TELEPHONE_RUNS") or Path("runs"),
        cache_dir=_folder("TELEPHONE_CACHE") or _user_folder(platformdirs.user_cache_dir),
        weights_dir=_folder("TELEPHONE_WEIGHTS"),
        threads=int(threads) if threads else None,
        ask_above=_amount("TELEPHONE_ASK_ABOVE", _variable("TELEPHONE_ASK_ABOVE") or "1"),
        keys_file=_folder("TELEPHONE_KEYS") or (settings / "keys.toml" if settings is not None else None),
    )


def secret(name: str) -> str | None:
    """Returns a key that the environment holds under this name, None if it holds none; never a part of `Settings`."""
    return os.environ.get(name) or None


def values(*names: str) -> dict[str, str]:
    """Returns those of the variables that are set and not blank, by name; for settings of other programs."""
    return {name: value for name in names if (value := _variable(name)) is not None}


def colours() -> bool:
    """Returns whether a terminal may show colours: not with `NO_COLOR`, nor on one that says that it has none."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _variable(name: str) -> str | None:
    """Returns the value of a variable, None if it is empty or blank."""
    return os.environ.get(name, "").strip() or None


def _folder(name: str) -> Path | None:
    value = _variable(name)
    return None if value is None else Path(os.path.expanduser(value))  # unchanged if there is no home folder


def _user_folder(of: Callable[[str], str]) -> Path | None:
    """Returns a folder of the user, None where the system knows no home folder."""
    try:
        return Path(of("ai-telephone"))
    except (RuntimeError, KeyError, OSError):
        return None


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
