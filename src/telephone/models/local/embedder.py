"""Embedders of transformers: dual encoders of texts and images, vision encoders, and sentence encoders."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import UsageError, WeightsError
from telephone.core.images import to_rgb
from telephone.core.seeds import digest
from telephone.models.base import Embedder, Traits
from telephone.models.local.device_placement import choose_placement, configured_threads, in_batches, quiet
from telephone.models.local.model_cache import loaded_models
from telephone.models.local.model_files import Folder
from telephone.models.local.options import COMPUTE_OPTIONS, ComputeOptions, release
from telephone.models.local.processors import FROM_FILES, load_image_processor, load_tokenizer
from telephone.models.local.sentence_pooling import Pooling, read_pooling
from telephone.models.provider import Parser

BATCH = 32
OPTIONS: Mapping[str, Parser] = {word: COMPUTE_OPTIONS[word] for word in ("device", "batch", "revision")}
_ENDLESS = 10**6
_FIXED_LENGTH = ("siglip", "siglip2")
"""Dual encoders that were trained on texts padded to the maximum length, and need that padding."""


class LocalEmbedder(Embedder):
    """Base of the three kinds: float32, unit length, in batches, loaded at the first call."""

    def __init__(self, folder: Folder, compute: ComputeOptions) -> None:
        """Inspects the files.

        Raises:
            WeightsError: the weights are missing, or pickled.
        """
        self.model_name = folder.name
        self._folder, self._compute = (
            folder,
            ComputeOptions(compute.device, "float32", "none", compute.batch, compute.revision),
        )
        self._config = folder.json("config.json")
        self._weights = folder.weights()
        self._batch = compute.batch

    def traits(self) -> Traits:
        """Returns the traits; the fingerprint covers files and pooling."""
        placement = choose_placement(self._compute.requested, self._weights)
        fingerprint = digest(
            "transformers embedder",
            1,
            release("transformers"),
            self._folder.fingerprint(self._weights, self._parts),
            self._method,
            placement.kind,
        )
        return Traits(fingerprint, placement.device, self._compute.batch, seeds=True, max_tokens=self._limit, price=0.0)

    def unload(self) -> None:
        """Releases the memory; the next call loads the files again."""
        self.__dict__.pop("_model", None)

    _parts: tuple[str, ...] = ("",)
    _method = "pooled, L2"
    _limit: int | None = None

    def _rows(self, items: Sequence[Any], work: Callable[[list[Any]], Any], blank: Any) -> NDArray[np.float32]:
        """Returns one unit vector per item; `blank` is embedded to find the width if there are no items."""
        import torch

        if not items:
            return self._rows([blank], work, blank)[:0]

        def some(part: list[Any], size: int) -> list[NDArray[np.float32]]:
            with torch.inference_mode():
                rows = torch.nn.functional.normalize(work(part).float(), dim=1)
            return list(rows.cpu().numpy())

        with configured_threads(), loaded_models.in_use(self):
            made, self._batch = in_batches(items, self._batch, some)
        return np.stack(made).astype(np.float32)

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModel

        placement = choose_placement(self._compute.requested, self._weights)
        loaded_models.reserve(self, placement, self._weights, self._compute.requested)
        kwargs: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True, **FROM_FILES}
        if self._weights.variant:
            kwargs["variant"] = self._weights.variant
        try:
            with quiet():
                model = AutoModel.from_pretrained(str(self._folder.path), **kwargs)
        except Exception as error:  # noqa: BLE001 - damaged files lead the library into errors of any type
            raise WeightsError(
                f"The files of {self._folder.name} cannot be loaded ({' '.join(str(error).split())[:200]}): "
                f"{self._folder.remedy}."
            ) from error
        return model.to(placement.device).eval()

    @cached_property
    def _tokenizer(self) -> Any:
        with quiet():
            return load_tokenizer(self._folder)

    @cached_property
    def _images(self) -> Any:
        with quiet():
            return load_image_processor(self._folder)

    def _pixels(self, images: list[Image.Image]) -> dict[str, Any]:
        given = self._images(images=[to_rgb(image) for image in images], return_tensors="pt")
        return self._to_device(given)

    def _to_device(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value.to(self._model.device) for name, value in dict(given).items()}

    def _tokens(self, texts: list[str], limit: int | None, **kwargs: Any) -> dict[str, Any]:
        cut = {"truncation": True, "max_length": limit} if limit else {}
        return self._to_device(self._tokenizer(texts, return_tensors="pt", **({"padding": True} | cut | kwargs)))

    def _count_cut(self, text: str) -> int:
        if self._limit is None:
            return 0
        return max(0, len(self._tokenizer([text], truncation=False, verbose=False)["input_ids"][0]) - self._limit)


class DualEncoder(LocalEmbedder):
    """Texts and images in one space: CLIP, SigLIP, Chinese-CLIP and similar models."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length; errors are those of loading a local model."""
        return self._rows(texts, self._text_features, "")

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, in the space of the texts."""
        return self._rows(images, self._image_features, _blank_image())

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are truncated."""
        return self._count_cut(text)

    def _image_features(self, images: list[Image.Image]) -> Any:
        return _tensor(self._model.get_image_features(**self._pixels(images)))

    def _text_features(self, texts: list[str]) -> Any:
        kwargs = {"padding": "max_length"} if self._config.get("model_type") in _FIXED_LENGTH else {}
        return _tensor(self._model.get_text_features(**self._tokens(texts, self._limit, **kwargs)))

    @cached_property
    def _limit(self) -> int | None:  # type: ignore[override]
        model_limit = self._config.get("text_config", {}).get("max_position_embeddings")
        tokenizer_limit = self._folder.json("tokenizer_config.json").get("model_max_length")
        limits = (model_limit, tokenizer_limit)
        known = [int(limit) for limit in limits if isinstance(limit, int | float) and limit < _ENDLESS]
        return min(known, default=64 if self._config.get("model_type") in _FIXED_LENGTH else None)


class VisionEncoder(LocalEmbedder):
    """Images only: DINOv2 and similar models; the vector is the class token."""

    _method = "class token, L2"

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length; errors are those of loading a local model."""
        return self._rows(
            images, lambda part: self._model(**self._pixels(part)).last_hidden_state[:, 0], _blank_image()
        )


class SentenceEncoder(LocalEmbedder):
    """Texts only, pooled as modules.json of the folder defines; the mean over tokens by default."""

    def __init__(self, folder: Folder, compute: ComputeOptions) -> None:
        """Reads the pooling configuration.

        Raises:
            UsageError: it has an unsupported step.
            WeightsError: the weights are missing, or pickled.
        """
        super().__init__(folder, compute)
        self._pooling: Pooling = read_pooling(folder)
        self._parts = ("", *self._pooling.parts)
        self._method = str(self._pooling)
        self._limit = self._pooling.limit

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length; errors are those of loading a local model."""
        # Texts of similar length share a batch, which reduces padding; padding does not change the vectors.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        rows = self._rows([texts[at] for at in order], self._pooled, "")
        back = np.empty_like(rows)
        back[order] = rows
        return back

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are truncated."""
        return self._count_cut(self._pooling.prompt + text)

    def _pooled(self, texts: list[str]) -> Any:
        given = self._tokens([self._pooling.prompt + text for text in texts], self._limit)
        return self._pooling.pool(self._model(**given).last_hidden_state, given["attention_mask"])


def reject_options(folder: Folder, given: Mapping[str, Any]) -> None:
    """Checks that all options belong to embedders.

    Raises:
        UsageError: one does not.
    """
    wrong = sorted(set(given) - set(OPTIONS))
    if wrong:
        raise UsageError(
            f"transformers/{folder.name} is an embedder and has no option {wrong[0]!r}; its options are: "
            f"{', '.join(sorted(OPTIONS))}."
        )


def _blank_image() -> Image.Image:
    return Image.new("RGB", (32, 32))


def _tensor(made: Any) -> Any:
    """Unwraps the vectors, which transformers 5 returns in an output object."""
    return getattr(made, "pooler_output", made)
