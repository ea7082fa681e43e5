"""API keys: where they are read from, and which server may receive them."""

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telephone.core import settings
from telephone.core.errors import UsageError
from telephone.core.file_names import shell_word
from telephone.core.redaction import register_secret

VARIABLES: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "replicate": ("REPLICATE_API_TOKEN",),
    "hf": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
}
"""Environment variables of each provider's key."""

MIN_LENGTH = 8
"""Characters of a key; redaction of a shorter text would change ordinary words."""


@dataclass(frozen=True)
class Key:
    """A key whose text forms do not contain its value."""

    source: str
    """Where it was read: an environment variable, or an entry of the key file."""
    _value: str = field(repr=False)

    def reveal(self) -> str:
        """Returns the value, for the header of a request only."""
        return self._value

    def __str__(self) -> str:
        return f"<key from {self.source}>"


def find_key(provider: str, host: str = "") -> Key | None:
    """Returns the key of a provider, or of another server with the same interface; None if there is none.

    A key belongs to one server: the key of api.openai.com is sent to no other host.

    Args:
        provider: `openai`, `replicate` or `hf`.
        host: the server, such as `api.example.com` or `gpu-box:8000`; empty is the provider's own.

    Raises:
        UsageError: the key file is readable by others or invalid, or the key cannot be sent in a header.
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
    """Returns the environment variables that may hold the key; the first is the recommended one."""
    if not host:
        return VARIABLES[provider]
    names = (host.partition(":")[0], host)
    return tuple(dict.fromkeys("TELEPHONE_KEY_" + re.sub(r"\W+", "_", name).strip("_").upper() for name in names))


def _key(source: str, value: Any) -> Key:
    key = value.strip() if isinstance(value, str) else ""  # a key that was read from a file often ends in a line break
    if len(key) < MIN_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"The key in {source} is invalid: give {MIN_LENGTH} or more ASCII characters without spaces.")
    register_secret(key)
    return Key(source, key)


def _read(path: Path | None) -> dict[str, Any]:
    """Checks the mode of the opened file, not of its path, so that the file cannot be replaced in between."""
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read ({error.strerror}): repair or remove it.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The message of the decoder may quote a part of the line, which is a key.
        raise UsageError(f'The key file {path} is not TOML: write one line per key, such as openai = "…".') from None


def _check_mode(path: Path, found: os.stat_result) -> None:
    if os.name != "posix":
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.getuid(), 0):
        raise UsageError(f"The key file {path} is not a regular file that you own: replace it by one.")
    if found.st_mode & 0o077:
        raise UsageError(f"The key file {path} can be read by others: run `chmod 600 {shell_word(path)}`.")
