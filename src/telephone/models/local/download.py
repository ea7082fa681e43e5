"""Downloads the files that a local model needs, and no others."""

import re
from pathlib import Path

from telephone.core.errors import TelephoneError, UsageError, WeightsError
from telephone.models.local.model_files import Folder
from telephone.models.local.pipeline_inspection import COMBINED, prior_name
from telephone.models.registry import parse_ref

_SMALL = ("*.json", "*.txt", "*.model", "*.jinja", "*.md", "LICENSE*")
_WEIGHTS = "*.safetensors"
_OTHERS = ("onnx/*", "openvino/*", "*/onnx/*", "original/*", "consolidated*")
"""Copies of the weights for other runtimes."""


def fetch(ref: str) -> Path:
    """Downloads a model of the hub into the hub's cache and returns the folder.

    Args:
        ref: `diffusers/ORG/MODEL` or `transformers/ORG/MODEL`, optionally with `revision` or `variant`.

    Raises:
        UsageError: the address is not a model of the hub.
        WeightsError: the hub cannot be reached, does not have the model, or refuses access.
    """
    parsed = parse_ref(ref)
    options = dict(parsed.options)
    if parsed.provider not in ("diffusers", "transformers") or parsed.name.startswith(("/", ".", "~")):
        raise UsageError(f"{ref} cannot be downloaded: give diffusers/ORG/MODEL or transformers/ORG/MODEL.")
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        if parsed.provider == "diffusers":
            return _pipeline(parsed.name, options)
        return _files(parsed.name, options.get("revision"), [*_SMALL, _WEIGHTS])
    except GatedRepoError as error:
        raise WeightsError(
            f"{parsed.name} requires consent: accept its terms on its page, run `hf auth login`, and try again."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise WeightsError(
            f"The hub has no accessible model {parsed.name}: check the name, or run `hf auth login` if it is private."
        ) from error
    except TelephoneError:
        raise
    except (HfHubHTTPError, OSError) as error:
        message = " ".join(str(error).split())[:200].rstrip(".")
        raise WeightsError(
            f"{parsed.name} cannot be downloaded ({message}): try again; finished files are kept."
        ) from error
    except Exception as error:  # noqa: BLE001 - a list of files that the hub sends leads its client into any error
        message = " ".join(str(error).split())[:200].rstrip(".")
        raise WeightsError(
            f"{parsed.name} was not downloaded, since its list of files is refused ({message}): choose another model."
        ) from error


def _pipeline(name: str, options: dict[str, str]) -> Path:
    """Downloads the index, then only the folders of the components that it names."""
    import json

    revision, variant = options.get("revision"), options.get("variant", "")
    path = _files(name, revision, ["model_index.json"]) / "model_index.json"
    if not path.exists():
        raise WeightsError(f"{name} is no pipeline of diffusers (it has no model_index.json): choose another model.")
    index = json.loads(path.read_text(encoding="utf-8"))
    parts = [part for part, value in index.items() if isinstance(value, list) and value and value[0] is not None]
    if odd := [part for part in parts if not re.fullmatch(r"[\w-]+", part)]:
        raise WeightsError(f"{name} names the folder {odd[0][:80]!r}, which is refused: choose another model.")
    copy = f"*.{variant}*safetensors" if variant else _WEIGHTS
    wanted = [f"{part}/{pattern}" for part in parts for pattern in (*_SMALL, copy)]
    path = _files(name, revision, ["model_index.json", "*.md", *wanted])
    if index.get("_class_name") in COMBINED:
        _pipeline(prior_name(Folder(name, path)), {"variant": variant})
    return path


def _files(name: str, revision: str | None, wanted: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=list(_OTHERS)))
