"""Processors of transformers for images and texts, also without torchvision."""

import importlib
import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from PIL import Image

from telephone.core.errors import UsageError, WeightsError
from telephone.models.local.model_files import Folder

FROM_FILES: Mapping[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is downloaded and no custom code is run."""


def load_processor(folder: Folder) -> Any:
    """Returns a processor of images and texts, called as `processor(images=…, text=…, return_tensors="pt")`.

    Processors that also accept videos need torchvision; without it they are built without their video part.

    Raises:
        UsageError: torchvision is needed.
        WeightsError: files are missing.
    """
    from transformers import AutoProcessor

    try:
        made = AutoProcessor.from_pretrained(str(folder.path), **FROM_FILES)
    except ImportError as error:
        made = _without_video(folder, error)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        made = _without_video(folder, error) if _accepts_video(folder) else _pair(folder, error)
    if not hasattr(made, "image_processor"):
        return _pair(folder, None)
    _check_words(folder, made.tokenizer)
    return made


class ProcessorPair:
    """Combines a tokenizer and an image processor where the model names no processor class."""

    chat_template = None

    def __init__(self, image_processor: Any, tokenizer: Any) -> None:
        """Stores both."""
        self.image_processor, self.tokenizer = image_processor, tokenizer

    def __call__(self, images: Sequence[Image.Image], text: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Returns the tensors of the images, and of the texts if there are any."""
        made = dict(self.image_processor(images=list(images), return_tensors="pt"))
        return made if text is None else made | dict(self.tokenizer(text, **kwargs))

    def batch_decode(self, *args: Any, **kwargs: Any) -> Any:
        """Decodes token ids."""
        return self.tokenizer.batch_decode(*args, **kwargs)


def load_image_processor(folder: Folder) -> Any:
    """Returns the image processor; raises as `load_processor` does."""
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(str(folder.path), **FROM_FILES)
    except ImportError as error:
        raise _needs_torchvision(folder, error) from error
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder.name} has no usable image processor: {folder.remedy}.") from error


def load_tokenizer(folder: Folder) -> Any:
    """Returns the tokenizer of a folder.

    Raises:
        UsageError: it needs a package that is not installed.
        WeightsError: files are missing.
    """
    from transformers import AutoTokenizer

    try:
        made = AutoTokenizer.from_pretrained(str(folder.path), **FROM_FILES)
    except ImportError as error:
        raise UsageError(f"The tokenizer of {folder.name} needs another package: {_first_line(error)}.") from error
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(f"{folder.name} has no usable tokenizer ({_first_line(error)}): {folder.remedy}.") from error
    _check_words(folder, made)
    return made


def _check_words(folder: Folder, tokenizer: Any) -> None:
    """Detects a missing vocabulary, for which the library silently builds an empty tokenizer."""
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise WeightsError(f"{folder.name} has no usable tokenizer (its vocabulary is missing): {folder.remedy}.")


def _pair(folder: Folder, cause: Exception | None) -> ProcessorPair:
    try:
        return ProcessorPair(load_image_processor(folder), load_tokenizer(folder))
    except (UsageError, WeightsError) as error:
        raise error from cause


def _accepts_video(folder: Folder) -> bool:
    return importlib.util.find_spec("torchvision") is None and _class_name(folder) != ""


def _without_video(folder: Folder, cause: Exception) -> Any:
    """Builds the processor class without its video part, which needs torchvision."""
    import transformers

    whole = getattr(transformers, _class_name(folder), None)
    if whole is None:
        raise _needs_torchvision(folder, cause) from cause
    try:
        return _videoless_class(whole).from_pretrained(str(folder.path), **FROM_FILES)
    except (ImportError, OSError, ValueError, TypeError, AttributeError) as error:
        raise _needs_torchvision(folder, error) from error


def _class_name(folder: Folder) -> str:
    """Returns the processor class named by the files, else the one that transformers registers for the model type."""
    for file in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        if found := folder.json(file).get("processor_class"):
            return str(found)
    auto: Any = importlib.import_module("transformers.models.auto.processing_auto")
    return str(auto.PROCESSOR_MAPPING_NAMES.get(folder.json("config.json").get("model_type", "")) or "")


def _videoless_class(whole: Any) -> Any:
    """Returns a subclass of `whole` without a video part."""
    from transformers import ProcessorMixin

    takes = set(inspect.signature(whole.__init__).parameters)
    parts = [part for part in whole.get_attributes() if "video" not in part]
    none: dict[str, Any] = dict.fromkeys(part for part in whole.get_attributes() if "video" in part)

    class Base(ProcessorMixin):
        """Skips the components that are None in the base class of the library."""

        def __init__(self, *args: Any, **named: Any) -> None:
            given = {name: value for name, value in named.items() if value is not None or name == "chat_template"}
            super().__init__(*(value for value in args if value is not None), **given)

    def make(cls: type[Any], /, args: Sequence[Any], found: Mapping[str, Any], **more: Any) -> Any:
        """Takes the components by name, and further constructor arguments from the files."""
        said = {name: value for name, value in {**found, **more}.items() if name in takes and "video" not in name}
        return cls(**(none | said | dict(zip(parts, args, strict=True))))

    own = {
        "get_attributes": classmethod(lambda cls: parts),
        "from_args_and_dict": classmethod(make),
        # Some processors read its attributes even without a video.
        "video_processor": SimpleNamespace(num_frames=None, fps=None, model_input_names=[]),
    }
    return type(whole.__name__, (whole, Base), own)


def _needs_torchvision(folder: Folder, error: Exception) -> UsageError:
    if isinstance(error, ImportError) and "torchvision" not in str(error).lower():
        return UsageError(f"The processor of {folder.name} needs another package: {_first_line(error)}.")
    if importlib.util.find_spec("torchvision") is None:
        return UsageError(
            f"{folder.name} needs torchvision: install the version that fits your torch with `pip install torchvision`."
        )
    return UsageError(f"The processor of {folder.name} cannot be built ({_first_line(error)}): choose another model.")


def _first_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said[:160].rstrip(".")
