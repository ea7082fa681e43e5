"""Locates the pocket weights and verifies their hashes: the distribution `ai-telephone-pocket` or a folder of yours.

`index.json` beside the weights maps each file name to its sha256, size in bytes, recipe, training-data seed and
optimiser steps.
"""

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from telephone.core import settings
from telephone.core.errors import WeightsError
from telephone.core.images import content_hash

INDEX = "index.json"
"""Name of the file that describes every shipped weight file."""
PACKAGE = "telephone_pocket"
"""Import name of the weights distribution."""
INSTALL = "pip install ai-telephone-pocket"
"""The command that installs the weights."""


def find(name: str, recipe: str = "") -> tuple[Path, str]:
    """Returns the path of a weight file and its sha256, after checking the file against the index.

    Files in the folder that `TELEPHONE_WEIGHTS` names take precedence; of them only the header is checked.

    Args:
        name: the name of the file without its extension, such as `blip`.
        recipe: the recipe that makes it, if its name differs.

    Raises:
        WeightsError: the file is missing or damaged, or its hash differs from the index; or the folder of
            `TELEPHONE_WEIGHTS` does not exist.
    """
    if (own := own_file(name)) is not None:
        return own, content_hash(_read(own))
    folder = shipped_folder()
    train = f"`telephone learn {recipe or name}`"
    if folder is None:
        raise WeightsError(
            f"The weights {name!r} are not installed: run `{INSTALL}`, or train them with {train} and set"
            " TELEPHONE_WEIGHTS to the folder."
        )
    path = folder / f"{name}.safetensors"
    reinstall = f"run `{INSTALL} --force-reinstall`, or train them with {train}"
    if not path.exists():
        raise WeightsError(f"The weights {name!r} are missing at {path}: {reinstall}.")
    found, expected = content_hash(path.read_bytes()), read_index(folder).get(path.name, {}).get("sha256", "none")
    if found != expected:
        raise WeightsError(
            f"The weights at {path} differ from the shipped ones (sha256 {found[:12]}…, expected {expected[:12]}…):"
            f" {reinstall}."
        )
    return path, found


def own_file(name: str) -> Path | None:
    """Returns the weight file in the folder of `TELEPHONE_WEIGHTS`, None if there is none; it is not shipped.

    Raises:
        WeightsError: the variable names no folder.
    """
    folder = settings.load().weights_dir
    if folder is None:
        return None
    if not folder.is_dir():
        raise WeightsError(f"TELEPHONE_WEIGHTS names {folder}, which is no folder: correct it, or unset the variable.")
    path = folder / f"{name}.safetensors"
    return path if path.exists() else None


def damaged(path: Path, reason: object) -> WeightsError:
    """Returns the error for a weight file that cannot be used, with its path and the reason in one line."""
    text = " ".join(str(reason).split())[:200].rstrip(".") or type(reason).__name__
    return WeightsError(
        f"The weights at {path} cannot be used ({text}): train them again with `telephone learn`, or remove the file."
    )


def _read(path: Path) -> bytes:
    """Returns the content of a safetensors file after checking that its header fits its length."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise damaged(path, error.strerror) from error
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length]) if 8 + length <= len(data) else None
        ends = (
            [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"] if header else []
        )
        expected = 8 + length + max(ends)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise damaged(path, "it is no safetensors file, or is cut off in its header") from None
    if len(data) != expected:
        raise damaged(path, f"it has {len(data)} bytes in place of {expected}")
    return data


def shipped_folder() -> Path | None:
    """Returns the folder of the installed weights distribution, None if it is not installed; nothing is imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def lacking(find_all: Callable[[], object]) -> str:
    """Returns why weight files cannot be used, in one sentence; empty if they can. No weights are loaded.

    Args:
        find_all: locates the files of a model; raises `WeightsError` where one is missing or has another hash.
    """
    try:
        find_all()
    except WeightsError as error:
        return str(error)
    return ""


def read_index(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns the entries of a folder's index by file name; empty if the folder has no index.

    Raises:
        WeightsError: the index is damaged.
    """
    index = folder / INDEX
    if not index.exists():
        return {}
    try:
        entries = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{index} cannot be read ({error}): remove it, or reinstall the package.") from error
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise WeightsError(f"{index} is no index of weights: remove it, or reinstall the package.")
    return entries


def add_to_index(path: Path) -> None:
    """Writes or replaces the entry of a weight file in the index beside it, atomically.

    Args:
        path: a safetensors file whose metadata holds `about` (JSON with `model`, `seed` and `steps`).
    """
    index = path.parent / INDEX
    entries = read_index(path.parent) | {path.name: _entry(path)}
    part = index.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(entries, indent=1, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(index)


def _entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")  # the safetensors header: its length, then JSON
    about = json.loads(json.loads(data[8 : 8 + length]).get("__metadata__", {}).get("about", "{}"))
    return {
        "sha256": content_hash(data),
        "bytes": len(data),
        "recipe": str(about.get("recipe") or about.get("model") or about.get("player", "")).partition("/")[2]
        or path.stem,
        "seed": about.get("seed"),
        "steps": about.get("steps"),
        "minutes": about.get("minutes"),
    }
