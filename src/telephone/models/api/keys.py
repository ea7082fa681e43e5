"""Keys of paid services: where they are found, which machine may see them, and how they are kept out of every text."""

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.core.redaction import register_secret

VARIABLES: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "replicate": ("REPLICATE_API_TOKEN",),
    "hf": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
}
"""The variables of the environment under which each provider's own key is known."""

SHORTEST = 8
"""A shorter text would be found, and struck out, inside ordinary words."""


@dataclass(frozen=True)
class Key:
    """A key that does not show itself when printed."""

    source: str
    """Where it was found: the name of a variable, or an entry of the key file."""
    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Returns the key itself, for the header of a request and nothing else."""
        return self._value

    def __str__(self) -> str:
        return f"<key from {self.source}>"


def find_key(provider: str, host: str = "") -> Key | None:
    """Returns the key of a provider, or of one machine that speaks like it; None if there is none.

    A key belongs to one machine: that of api.openai.com is never sent anywhere else, whatever an address asks for.

    Args:
        provider: `openai`, `replicate` or `hf`.
        host: the machine, such as `api.example.com` or `gpu-box:8000`; empty is the provider's own.

    Raises:
        UsageError: the key file can be read by others or makes no sense, or the key cannot be sent in a header.
    """
    for name in key_names(provider, host):
        value = settings.secret(name)
        if value is not None:
            return _key(name, value)
    entries = _read(settings.load().keys_file)
    for name in (host, host.partition(":")[0]) if host else (provider,):
        if name in entries:
            return _key(f"{name!r} of the key file", entries[name])
    return None


def key_names(provider: str, host: str = "") -> tuple[str, ...]:
    """Returns the variables of the environment that may hold the key; the first is the one to advise."""
    if not host:
        return VARIABLES[provider]
    words = (host.partition(":")[0], host)
    return tuple(dict.fromkeys("TELEPHONE_KEY_" + re.sub(r"\W+", "_", word).strip("_").upper() for word in words))


def _key(source: str, value: Any) -> Key:
    fits = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value.strip()
    if not fits or len(value.strip()) < SHORTEST:
        raise UsageError(f"The key in {source} cannot be one: give {SHORTEST} or more plain characters without spaces.")
    register_secret(value.strip())
    return Key(source, value.strip())


def _read(path: Path) -> dict[str, Any]:
    """Checks the file that was opened and not its path, so that nobody can put another one in between."""
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read ({error.strerror}): mend or remove it.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The decoder's own message may hold a piece of the line, and a line is a key.
        raise UsageError(f'The key file {path} is not TOML: write one line a key, such as openai = "…".') from None


def _check_mode(path: Path, found: os.stat_result) -> None:
    if os.name != "posix":
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.getuid(), 0):
        raise UsageError(f"The key file {path} is not a plain file of your own: make one that is.")
    if found.st_mode & 0o077:
        raise UsageError(f"The key file {path} can be read by others: run `chmod 600 {path}`.")
