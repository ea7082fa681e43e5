"""Embeds with models of transformers: dual encoders of texts and pictures, vision encoders, and sentence encoders."""

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
from telephone.models.local.device_placement import in_batches, own_threads, place, quiet
from telephone.models.local.model_cache import shelf
from telephone.models.local.model_files import Folder
from telephone.models.local.options import MACHINE, Machine, release
from telephone.models.local.processors import FROM_FILES, load_image_processor, load_tokenizer
from telephone.models.local.sentence_pooling import PoolingRecipe, read_recipe
from telephone.models.provider import Parser

BATCH = 32
OPTIONS: Mapping[str, Parser] = {word: MACHINE[word] for word in ("device", "batch", "revision")}
_ENDLESS = 10**6
_FIXED_LENGTH = ("siglip", "siglip2")
"""Dual encoders that were trained on texts padded to their full length, and answer otherwise to shorter ones."""


class LocalEmbedder(Embedder):
    """What the three kinds share: float32, unit length, in batches, loaded at the first call."""

    def __init__(self, folder: Folder, machine: Machine) -> None:
        """Looks at the files.

        Raises:
            WeightsError: the weights are missing, or pickled.
        """
        self.model_name = folder.name
        self._folder, self._machine = (
            folder,
            Machine(machine.device, "float32", "none", machine.batch, machine.revision),
        )
        self._config = folder.json("config.json")
        self._weights = folder.weights()
        self._batch = machine.batch

    def traits(self) -> Traits:
        """Returns what the player is; the way from file to vector belongs to it."""
        where = place(self._machine.wish, self._weights)
        print_ = digest(
            "transformers embedder",
            1,
            release("transformers"),
            self._folder.fingerprint(self._weights, self._parts),
            self._how,
            where.kind,
        )
        return Traits(print_, where.device, self._machine.batch, seeds=True, max_tokens=self._limit, price=0.0)

    def unload(self) -> None:
        """Gives the memory back; the next call loads the files again."""
        self.__dict__.pop("_model", None)

    _parts: tuple[str, ...] = ("",)
    _how = "pooled, L2"
    _limit: int | None = None

    def _rows(self, items: Sequence[Any], work: Callable[[list[Any]], Any], blank: Any) -> NDArray[np.float32]:
        """Returns one unit vector an item; `blank` stands in where there is none, to tell the width."""
        import torch

        if not items:
            return self._rows([blank], work, blank)[:0]

        def some(part: list[Any], size: int) -> list[NDArray[np.float32]]:
            with torch.inference_mode():
                rows = torch.nn.functional.normalize(work(part).float(), dim=1)
            return list(rows.cpu().numpy())

        with own_threads(), shelf.using(self):
            made, self._batch = in_batches(items, self._batch, some)
        return np.stack(made).astype(np.float32)

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModel

        where = place(self._machine.wish, self._weights)
        shelf.room(self, where, self._weights, self._machine.wish)
        how: dict[str, Any] = {"dtype": torch.float32, "use_safetensors": True, **FROM_FILES}
        if self._weights.variant:
            how["variant"] = self._weights.variant
        try:
            with quiet():
                model = AutoModel.from_pretrained(str(self._folder.path), **how)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise WeightsError(
                f"The files of {self._folder.name} cannot be loaded ({' '.join(str(error).split())[:200]}): "
                f"{self._folder.remedy}."
            ) from error
        return model.to(where.device).eval()

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
        return self._put(given)

    def _put(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value.to(self._model.device) for name, value in dict(given).items()}

    def _tokens(self, texts: list[str], limit: int | None, **how: Any) -> dict[str, Any]:
        cut = {"truncation": True, "max_length": limit} if limit else {}
        return self._put(self._tokenizer(texts, return_tensors="pt", **({"padding": True} | cut | how)))

    def _count_cut(self, text: str) -> int:
        if self._limit is None:
            return 0
        return max(0, len(self._tokenizer([text], truncation=False, verbose=False)["input_ids"][0]) - self._limit)


class DualEncoder(LocalEmbedder):
    """Texts and pictures in one space: CLIP, SigLIP, Chinese-CLIP and their kind."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length; raises as the loading of any local model does."""
        return self._rows(texts, self._text_features, "")

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, in the space of the texts."""
        return self._rows(images, self._image_features, _blank())

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are not read."""
        return self._count_cut(text)

    def _image_features(self, images: list[Image.Image]) -> Any:
        return _tensor(self._model.get_image_features(**self._pixels(images)))

    def _text_features(self, texts: list[str]) -> Any:
        how = {"padding": "max_length"} if self._config.get("model_type") in _FIXED_LENGTH else {}
        return _tensor(self._model.get_text_features(**self._tokens(texts, self._limit, **how)))

    @cached_property
    def _limit(self) -> int | None:  # type: ignore[override]
        told = self._config.get("text_config", {}).get("max_position_embeddings")
        said = self._folder.json("tokenizer_config.json").get("model_max_length")
        known = [int(limit) for limit in (told, said) if isinstance(limit, int | float) and limit < _ENDLESS]
        return min(known, default=64 if self._config.get("model_type") in _FIXED_LENGTH else None)


class VisionEncoder(LocalEmbedder):
    """Pictures alone: DINOv2 and its kind; the vector is that of the class token."""

    _how = "class token, L2"

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length; raises as the loading of any local model does."""
        return self._rows(images, lambda part: self._model(**self._pixels(part)).last_hidden_state[:, 0], _blank())


class SentenceEncoder(LocalEmbedder):
    """Texts alone, pooled as the folder's modules.json says; a mean over the tokens if it says nothing."""

    def __init__(self, folder: Folder, machine: Machine) -> None:
        """Reads how the folder pools.

        Raises:
            UsageError: it asks for a step that is not known here.
            WeightsError: the weights are missing, or pickled.
        """
        super().__init__(folder, machine)
        self._recipe: PoolingRecipe = read_recipe(folder)
        self._parts = ("", *self._recipe.parts)
        self._how = str(self._recipe)
        self._limit = self._recipe.limit

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length; raises as the loading of any local model does."""
        # Texts of like length share a batch: little is padded, and the padding does not change the vectors.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        rows = self._rows([texts[at] for at in order], self._pooled, "")
        back = np.empty_like(rows)
        back[order] = rows
        return back

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are not read."""
        return self._count_cut(self._recipe.prompt + text)

    def _pooled(self, texts: list[str]) -> Any:
        given = self._tokens([self._recipe.prompt + text for text in texts], self._limit)
        return self._recipe.pool(self._model(**given).last_hidden_state, given["attention_mask"])


def refuse_options(folder: Folder, given: Mapping[str, Any]) -> None:
    """Checks that only options of embedders are given.

    Raises:
        UsageError: one is for describers.
    """
    wrong = sorted(set(given) - set(OPTIONS))
    if wrong:
        raise UsageError(
            f"transformers/{folder.name} embeds and has no option {wrong[0]!r}; its options are: "
            f"{', '.join(sorted(OPTIONS))}."
        )


def _blank() -> Image.Image:
    return Image.new("RGB", (32, 32))


def _tensor(made: Any) -> Any:
    """Since its version 5 the library wraps the vectors."""
    return getattr(made, "pooler_output", made)
