"""Locates and hashes the files of a local model, in a folder or in the cache of the hub, without loading weights."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from telephone.core.errors import UsageError, WeightsError
from telephone.core.seeds import digest
from telephone.models.local.safetensors_inspection import WeightFileSummary, pickled, read_weights

_READ = 4 * 2**20
_TEXTS = (".json", ".txt", ".model", ".jinja")
"""Extensions of the files that decide results besides the weights: configs, vocabularies, templates."""
_MARKS = ("model_index.json", "config.json", "modules.json")
"""Every supported model has at least one of these files."""


@dataclass(frozen=True)
class Folder:
    """The files of one model on this machine."""

    name: str
    """The requested name: `ORG/MODEL`, or a path."""
    path: Path
    commit: str = ""
    """Commit of the hub; empty for a plain folder."""

    def json(self, relative: str) -> dict[str, Any]:
        """Returns the content of a JSON file, an empty dictionary if it does not exist.

        Raises:
            WeightsError: the file cannot be read.
        """
        path = self.path / relative
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path} cannot be read ({error}): download {self.name} again.") from error
        return read if isinstance(read, dict) else {"items": read}

    def weights(self, parts: tuple[str, ...] = ("",), variant: str = "") -> WeightFileSummary:
        """Returns a summary of the weight files without loading them.

        Args:
            parts: subfolders with weights; empty is the folder itself.
            variant: weight variant, such as `fp16`; empty is the default one, or the only one.

        Raises:
            WeightsError: there are none, or only pickled ones.
        """
        found = read_weights(self.path, parts, variant)
        risky = pickled(self.path, parts)
        if risky:
            raise WeightsError(
                f"{self.name} holds pickled weights ({risky}), which can run code when they are read: "
                "use a model with safetensors files, or convert them."
            )
        if not found.files:
            what = f"no {variant} weights" if variant else "no weights"
            raise WeightsError(f"There are {what} in safetensors files at {self.path}: {self.remedy}.")
        return found

    def fingerprint(self, weights: WeightFileSummary, parts: tuple[str, ...] = ("",)) -> str:
        """Returns a hash of the commit, or of all relevant files of a plain folder."""
        if self.commit:
            return digest(
                "hub", self.name, self.commit, *sorted(str(file.relative_to(self.path)) for file in weights.files)
            )
        return self._content(weights, parts)

    @cached_property
    def remedy(self) -> str:
        """Advice for missing files."""
        if not self.commit:
            return "give a complete folder, as `save_pretrained` writes it"
        return "download it again with `telephone fetch`"

    def _content(self, weights: WeightFileSummary, parts: tuple[str, ...]) -> str:
        texts = [
            file
            for part in {"", *parts}
            for file in (self.path / part).glob("*")
            if file.suffix in _TEXTS and file.is_file() and not file.name.endswith(".index.json")
        ]
        found = [(str(file.relative_to(self.path)), _hash(file)) for file in {*texts, *weights.files}]
        return digest("folder", *(word for pair in sorted(found) for word in pair))


def locate(name: str, revision: str = "", provider: str = "") -> Folder:
    """Locates the files of a model; nothing is downloaded.

    Args:
        name: `ORG/MODEL`, or a path that begins with `/`, `./`, `../` or `~`.
        revision: branch, tag or commit of a model of the hub; empty is its main branch.
        provider: provider name for the command in the message.

    Raises:
        UsageError: the name is neither.
        WeightsError: the model is not on this machine.
    """
    if name.startswith(("/", "./", "../", "~")):
        return _plain(name, revision)
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise UsageError(f"{name!r} is not a model name: write ORG/MODEL, or a folder as /path, ./path or ~/path.")
    path = _downloaded(name, revision)
    if path is None:
        raise WeightsError(_missing(name, revision, provider))
    return Folder(name, path, path.name)


def _downloaded(name: str, revision: str) -> Path | None:
    """Returns the folder of the commit in the cache of the hub, None if there is none."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for file in _MARKS:
        try:
            found = try_to_load_from_cache(name, file, revision=revision or None)
        except HFValidationError as error:
            raise UsageError(f"{name!r} is not a valid model name of the hub: check the spelling.") from error
        if isinstance(found, str):
            return Path(found).parent
    return None


def _plain(name: str, revision: str) -> Folder:
    path = Path(name).expanduser()
    if revision:
        raise UsageError(f"{name} is a folder and has no revisions: leave the option revision out.")
    if not path.is_dir():
        raise WeightsError(f"There is no folder {path}: give the folder with the files of the model.")
    return Folder(name, path.resolve())


def _missing(name: str, revision: str, provider: str) -> str:
    at = f"?revision={revision}" if revision else ""
    here = f" (for the local folder write ./{name})" if Path(name).is_dir() else ""
    return (
        f"{name}{at} is not on this machine{here}: with a network connection, run "
        f'`telephone fetch "{provider}/{name}{at}"`.'
    )


def _hash(file: Path) -> str:
    hasher = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_READ):
            hasher.update(block)
    return hasher.hexdigest()
