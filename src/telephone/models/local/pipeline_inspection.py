"""Inspects a diffusers folder by its small files: pipeline class, components, weights, required prior."""

import importlib.util
from dataclasses import dataclass, replace

from telephone.core.errors import UsageError
from telephone.core.seeds import digest
from telephone.models.local.model_files import Folder, locate
from telephone.models.local.safetensors_inspection import WeightFileSummary

INDEX = "model_index.json"
COMBINED = {
    "KandinskyPipeline": "KandinskyCombinedPipeline",
    "KandinskyV22Pipeline": "KandinskyV22CombinedPipeline",
}
"""Decoder pipelines whose prior (text to image embedding) is a separate model."""


@dataclass(frozen=True)
class PipelineSummary:
    """Summary of a pipeline that is not loaded."""

    folder: Folder
    components: tuple[str, ...]
    """Subfolders that the index names."""
    weights: WeightFileSummary
    """Weights of the pipeline and its prior."""
    kind: str
    """Class name in the index."""
    prior: "PipelineSummary | None" = None

    @property
    def parts(self) -> tuple[str, ...]:
        """Subfolders with weights."""
        return tuple(part for part in self.components if (self.folder.path / part / "config.json").exists())

    @property
    def tokenizers(self) -> tuple[tuple[Folder, str], ...]:
        """Folder and subfolder of every tokenizer."""
        own = tuple((self.folder, part) for part in self.components if part.startswith("tokenizer"))
        return own + (self.prior.tokenizers if self.prior else ())

    def fingerprint(self) -> str:
        """Returns a hash of all relevant files."""
        own = tuple(file for file in self.weights.files if file.is_relative_to(self.folder.path))
        fingerprint = self.folder.fingerprint(replace(self.weights, files=own), self.components)
        return digest(fingerprint, self.prior.fingerprint()) if self.prior else fingerprint


def inspect_pipeline(folder: Folder, variant: str = "", prior: str = "") -> PipelineSummary:
    """Returns a summary of the folder, after checking that it can be loaded safely.

    Args:
        folder: the files.
        variant: weight variant; empty is the default one, or the only one.
        prior: model with the prior of a decoder; empty is the one that its model card names.

    Raises:
        UsageError: it is not a diffusers pipeline, or contains custom code.
        WeightsError: weights are missing, or only pickled ones are there.
    """
    index = folder.json(INDEX)
    kind = index.get("_class_name")
    if kind is None:
        raise UsageError(f"{folder.name} has no {INDEX}, so it is not a diffusers pipeline; {_other(folder)}")
    components = {name: value for name, value in index.items() if isinstance(value, list) and value[0] is not None}
    own = [name for name, value in components.items() if (folder.path / name / f"{value[0]}.py").exists()]
    if own or not isinstance(kind, str):
        raise UsageError(f"{folder.name} contains custom code, which is never run: choose a model without it.")
    there = tuple(name for name in components if (folder.path / name).is_dir())
    summary = PipelineSummary(folder, there, WeightFileSummary(()), kind)
    summary = replace(summary, weights=folder.weights(summary.parts, variant))
    if kind in COMBINED:
        return _with_prior(
            summary, inspect_pipeline(locate(prior or prior_name(folder), provider="diffusers"), variant)
        )
    if prior:
        raise UsageError(f"{folder.name} is a {kind}, which takes no prior: leave the option out.")
    return summary


def prior_name(folder: Folder) -> str:
    """Returns the prior that the model card of a decoder names.

    Raises:
        UsageError: the card names none.
    """
    from huggingface_hub import metadata_load

    card = folder.path / "README.md"
    named = (metadata_load(card) or {}).get("prior") if card.exists() else None
    if not named:
        raise UsageError(f"{folder.name} is a decoder without its prior: name the prior with the option prior.")
    return str(named[0] if isinstance(named, list) else named)


def require_diffusers(name: str) -> None:
    """Checks that the package is installed.

    Raises:
        UsageError: it is not.
    """
    if importlib.util.find_spec("diffusers") is None:
        raise UsageError(
            f'diffusers/{name} needs the package diffusers: Install it with: pip install "ai-telephone[local]"'
        )


def _with_prior(summary: PipelineSummary, prior: PipelineSummary) -> PipelineSummary:
    own, other = summary.weights, prior.weights
    both = replace(
        own,
        files=own.files + other.files,
        numbers=own.numbers + other.numbers,
        largest=max(own.largest, other.largest),
    )
    return replace(summary, weights=both, prior=prior)


def _other(folder: Folder) -> str:
    if folder.json("config.json"):
        return f"it may be an image-to-text model or an embedder: try transformers/{folder.name}."
    return "give a folder as `save_pretrained` writes it."
