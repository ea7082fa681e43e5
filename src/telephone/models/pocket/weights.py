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

    Files in the folder that `TELEPHONE_WEIGHTS` names take precedence and are not checked.

    Args:
        name: the name of the file without its extension, such as `blip`.
        recipe: the recipe that makes it, if its name differs.

    Raises:
        WeightsError: the file is missing, or its hash differs from the index.
    """
    own = settings.load().weights_dir
    if own is not None and (own / f"{name}.safetensors").exists():
        path = own / f"{name}.safetensors"
        return path, content_hash(path.read_bytes())
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
    """Returns the entries of a folder's index by file name; empty if the folder has no index."""
    index = folder / INDEX
    if not index.exists():
        return {}
    entries: dict[str, dict[str, Any]] = json.loads(index.read_text(encoding="utf-8"))
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
