"""Between pictures or words and what a model of transformers takes in, also where torchvision is not installed."""

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
"""Nothing is downloaded and no code of a model is run."""


def load_processor(folder: Folder) -> Any:
    """Returns a processor of pictures and texts, called as `processor(images=…, text=…, return_tensors="pt")`.

    Processors that also take films cannot be made without torchvision; they are made without their film part then.

    Raises:
        UsageError: torchvision is needed.
        WeightsError: files are missing.
    """
    from transformers import AutoProcessor

    try:
        made = AutoProcessor.from_pretrained(str(folder.path), **FROM_FILES)
    except ImportError as error:
        made = _without_films(folder, error)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        made = _without_films(folder, error) if _takes_films(folder) else _pair(folder, error)
    if not hasattr(made, "image_processor"):
        return _pair(folder, None)
    _check_words(folder, made.tokenizer)
    return made


class Pair:
    """A tokenizer and an image processor that belong together though the model names no common class for them."""

    chat_template = None

    def __init__(self, image_processor: Any, tokenizer: Any) -> None:
        """Keeps the two."""
        self.image_processor, self.tokenizer = image_processor, tokenizer

    def __call__(self, images: Sequence[Image.Image], text: Any = None, **how: Any) -> dict[str, Any]:
        """Returns the tensors of the pictures, and of the texts if there are any."""
        made = dict(self.image_processor(images=list(images), return_tensors="pt"))
        return made if text is None else made | dict(self.tokenizer(text, **how))

    def batch_decode(self, *args: Any, **how: Any) -> Any:
        """Returns the texts of token numbers."""
        return self.tokenizer.batch_decode(*args, **how)


def load_image_processor(folder: Folder) -> Any:
    """Returns the processor of pictures alone; raises as `load_processor` does."""
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
    """Where the vocabulary is missing the library makes an empty tokenizer, without a word."""
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise WeightsError(f"{folder.name} has no usable tokenizer (its vocabulary is missing): {folder.remedy}.")


def _pair(folder: Folder, cause: Exception | None) -> Pair:
    try:
        return Pair(load_image_processor(folder), load_tokenizer(folder))
    except (UsageError, WeightsError) as error:
        raise error from cause


def _takes_films(folder: Folder) -> bool:
    return importlib.util.find_spec("torchvision") is None and _class_name(folder) != ""


def _without_films(folder: Folder, cause: Exception) -> Any:
    """Makes the processor's own class with everything but its film part, which is what needs torchvision."""
    import transformers

    whole = getattr(transformers, _class_name(folder), None)
    if whole is None:
        raise _needs_torchvision(folder, cause) from cause
    try:
        return _filmless(whole).from_pretrained(str(folder.path), **FROM_FILES)
    except (ImportError, OSError, ValueError, TypeError, AttributeError) as error:
        raise _needs_torchvision(folder, error) from error


def _class_name(folder: Folder) -> str:
    """Returns the name of the processor's class as the files say it, else as transformers knows it for the model."""
    for file in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        if told := folder.json(file).get("processor_class"):
            return str(told)
    auto: Any = importlib.import_module("transformers.models.auto.processing_auto")
    return str(auto.PROCESSOR_MAPPING_NAMES.get(folder.json("config.json").get("model_type", "")) or "")


def _filmless(whole: Any) -> Any:
    """Returns a class that behaves as `whole`, whose own constructor runs, but knows of no film part."""
    from transformers import ProcessorMixin

    takes = set(inspect.signature(whole.__init__).parameters)
    parts = [part for part in whole.get_attributes() if "video" not in part]
    none: dict[str, Any] = dict.fromkeys(part for part in whole.get_attributes() if "video" in part)

    class Base(ProcessorMixin):
        """Stands between the class and the library's base, and leaves out the part that is None."""

        def __init__(self, *args: Any, **named: Any) -> None:
            given = {name: value for name, value in named.items() if value is not None or name == "chat_template"}
            super().__init__(*(value for value in args if value is not None), **given)

    def make(cls: type[Any], /, args: Sequence[Any], told: Mapping[str, Any], **more: Any) -> Any:
        """Takes the parts by name, as their places have moved, and what else the files tell the constructor."""
        said = {name: value for name, value in {**told, **more}.items() if name in takes and "video" not in name}
        return cls(**(none | said | dict(zip(parts, args, strict=True))))

    own = {
        "get_attributes": classmethod(lambda cls: parts),
        "from_args_and_dict": classmethod(make),
        # Some ask it for numbers even where there is no film.
        "video_processor": SimpleNamespace(num_frames=None, fps=None, model_input_names=[]),
    }
    return type(whole.__name__, (whole, Base), own)


def _needs_torchvision(folder: Folder, error: Exception) -> UsageError:
    if isinstance(error, ImportError) and "torchvision" not in str(error).lower():
        return UsageError(f"The processor of {folder.name} needs another package: {_first_line(error)}.")
    if importlib.util.find_spec("torchvision") is None:
        return UsageError(
            f"{folder.name} cannot be used without torchvision: install the one that belongs to your torch with "
            "`pip install torchvision`."
        )
    return UsageError(f"The processor of {folder.name} cannot be made ({_first_line(error)}): choose another model.")


def _first_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said[:160].rstrip(".")
