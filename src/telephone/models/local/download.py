"""Downloads what a local player needs and nothing else."""

from pathlib import Path

from telephone.core.errors import UsageError, WeightsError
from telephone.models.local.model_files import Folder
from telephone.models.local.pipeline_inspection import COMBINED, prior_name
from telephone.models.registry import parse_ref

_SMALL = ("*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*")
_WEIGHTS = "*.safetensors"
_OTHERS = ("onnx/*", "openvino/*", "*/onnx/*", "original/*", "consolidated*")
"""Copies of the weights for other programs."""


def fetch(ref: str) -> Path:
    """Downloads a model of the hub into the hub's cache and returns the folder.

    Args:
        ref: `diffusers/ORG/MODEL` or `transformers/ORG/MODEL`, with the option `revision` or `variant` if need be.

    Raises:
        UsageError: the address is no model of the hub.
        WeightsError: the hub cannot be reached, does not have the model, or does not give it to you.
    """
    parsed = parse_ref(ref)
    options = dict(parsed.options)
    if parsed.provider not in ("diffusers", "transformers") or parsed.name.startswith(("/", ".", "~")):
        raise UsageError(f"{ref} is nothing to download: give diffusers/ORG/MODEL or transformers/ORG/MODEL.")
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        if parsed.provider == "diffusers":
            return _pipeline(parsed.name, options)
        return _files(parsed.name, options.get("revision"), [*_SMALL, _WEIGHTS])
    except GatedRepoError as error:
        raise WeightsError(
            f"{parsed.name} asks for your consent: accept its terms on its page, run `hf auth login`, and try again."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise WeightsError(
            f"The hub has no model {parsed.name} for you: check the name, or run `hf auth login` if it is private."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise WeightsError(f"{parsed.name} cannot be downloaded ({said}): try again, what has come is kept.") from error


def _pipeline(name: str, options: dict[str, str]) -> Path:
    """Takes the index first, and then only the folders of the parts that it names."""
    import json

    revision, variant = options.get("revision"), options.get("variant", "")
    index = json.loads((_files(name, revision, ["model_index.json"]) / "model_index.json").read_text())
    parts = [part for part, value in index.items() if isinstance(value, list) and value[0] is not None]
    copy = f"*.{variant}*safetensors" if variant else _WEIGHTS
    wanted = [f"{part}/{pattern}" for part in parts for pattern in (*_SMALL, copy)]
    path = _files(name, revision, ["model_index.json", "*.md", *wanted])
    if index.get("_class_name") in COMBINED:
        _pipeline(prior_name(Folder(name, path)), {"variant": variant})
    return path


def _files(name: str, revision: str | None, wanted: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=list(_OTHERS)))
