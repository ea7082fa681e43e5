"""What a folder of diffusers holds, read from its small files: which pipeline, which parts, and the prior it needs."""

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
"""Decoders whose other half, the prior from text to image embedding, is a model of its own."""


@dataclass(frozen=True)
class Plan:
    """What is known of a pipeline before it is loaded."""

    folder: Folder
    components: tuple[str, ...]
    """The subfolders that the index names."""
    weights: WeightFileSummary
    """Those of the pipeline and its prior."""
    kind: str
    """The class that the folder names."""
    prior: "Plan | None" = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The subfolders that hold weights."""
        return tuple(part for part in self.components if (self.folder.path / part / "config.json").exists())

    @property
    def tokenizers(self) -> tuple[tuple[Folder, str], ...]:
        """Folder and subfolder of every tokenizer."""
        own = tuple((self.folder, part) for part in self.components if part.startswith("tokenizer"))
        return own + (self.prior.tokenizers if self.prior else ())

    def fingerprint(self) -> str:
        """Returns a hash of everything that the files decide."""
        own = tuple(file for file in self.weights.files if file.is_relative_to(self.folder.path))
        print_ = self.folder.fingerprint(replace(self.weights, files=own), self.components)
        return digest(print_, self.prior.fingerprint()) if self.prior else print_


def survey(folder: Folder, variant: str = "", prior: str = "") -> Plan:
    """Returns what the folder holds, after checking that it can be loaded safely; cheap.

    Args:
        folder: the files.
        variant: which copy of the weights; empty is the plain one, or the only one.
        prior: the model that holds the prior of a decoder; empty is the one that its card names.

    Raises:
        UsageError: it is no pipeline of diffusers, or brings code of its own.
        WeightsError: weights are missing, or only pickled ones are there.
    """
    index = folder.json(INDEX)
    kind = index.get("_class_name")
    if kind is None:
        raise UsageError(f"{folder.name} has no {INDEX}, so it is no pipeline of diffusers; {_other(folder)}")
    components = {name: value for name, value in index.items() if isinstance(value, list) and value[0] is not None}
    own = [name for name, value in components.items() if (folder.path / name / f"{value[0]}.py").exists()]
    if own or not isinstance(kind, str):
        raise UsageError(f"{folder.name} brings code of its own, which is never run: choose a model without any.")
    there = tuple(name for name in components if (folder.path / name).is_dir())
    plan = Plan(folder, there, WeightFileSummary(()), kind)
    plan = replace(plan, weights=folder.weights(plan.parts, variant))
    if kind in COMBINED:
        return _with_prior(plan, survey(locate(prior or prior_name(folder), provider="diffusers"), variant))
    if prior:
        raise UsageError(f"{folder.name} is a {kind}, which takes no prior: leave the option out.")
    return plan


def prior_name(folder: Folder) -> str:
    """Returns the name of the prior that a decoder's card names.

    Raises:
        UsageError: it names none.
    """
    from huggingface_hub import metadata_load

    card = folder.path / "README.md"
    named = (metadata_load(card) or {}).get("prior") if card.exists() else None
    if not named:
        raise UsageError(f"{folder.name} is the second half of a model: say where the first is with the option prior.")
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


def _with_prior(plan: Plan, prior: Plan) -> Plan:
    own, other = plan.weights, prior.weights
    both = replace(
        own,
        files=own.files + other.files,
        numbers=own.numbers + other.numbers,
        largest=max(own.largest, other.largest),
    )
    return replace(plan, weights=both, prior=prior)


def _other(folder: Folder) -> str:
    if folder.json("config.json"):
        return f"it may describe or embed: try transformers/{folder.name}."
    return "give the folder that holds it, as `save_pretrained` writes it."
