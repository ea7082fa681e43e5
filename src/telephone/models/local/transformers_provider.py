"""The provider `transformers`: detects from the config whether a model is image-to-text or an embedder."""

import importlib
from collections.abc import Mapping
from typing import Any

from telephone.core.errors import UsageError
from telephone.models.base import Model
from telephone.models.local import embedder, image2text
from telephone.models.local.embedder import DualEncoder, LocalEmbedder, SentenceEncoder, VisionEncoder
from telephone.models.local.image2text import GenerationOptions, TransformersImage2Text
from telephone.models.local.model_files import Folder, locate
from telephone.models.local.options import ComputeOptions, read
from telephone.models.provider import ModelCard

VISION_TYPES = ("dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "ijepa", "vit_msn")
SENTENCE_TYPES = (
    "bert",
    "roberta",
    "xlm-roberta",
    "mpnet",
    "distilbert",
    "electra",
    "albert",
    "deberta-v2",
    "modernbert",
    "nomic_bert",
)
_GENERATIVE_SUFFIXES = (
    "ForConditionalGeneration",
    "ForCausalLM",
    "ForVision2Seq",
    "ForVisionText2Text",
    "EncoderDecoderModel",
)


class TransformersProvider:
    """The provider `transformers`: models by their name on the hub or by folder."""

    name = "transformers"

    def cards(self) -> list[ModelCard]:
        """Returns one card for each kind."""
        captions = "any image-to-text model: captioning or vision-language chat; or a folder"
        embeds = "any dual encoder, DINO or sentence encoder; or a folder"
        return [
            ModelCard("transformers/ORG/MODEL", "image2text", captions, tuple(sorted(image2text.OPTIONS))),
            ModelCard("transformers/ORG/ENCODER", "embedder", embeds, tuple(sorted(embedder.OPTIONS))),
        ]

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a model; its files are inspected, not loaded.

        Raises:
            UsageError: an option is invalid, or the model is of no supported kind.
            WeightsError: the model is not on this machine.
        """
        folder = locate(name, options.get("revision", ""), "transformers")
        made = kind(folder)
        if made is TransformersImage2Text:
            values = read(f"transformers/{name}", image2text.OPTIONS, options)
            compute = ComputeOptions.pop_from(values)
            return TransformersImage2Text(folder, GenerationOptions(**values), compute)
        embedder.reject_options(folder, options)
        values = {"batch": embedder.BATCH} | read(f"transformers/{name}", embedder.OPTIONS, options)
        assert issubclass(made, LocalEmbedder)
        return made(folder, ComputeOptions.pop_from(values))


def kind(folder: Folder) -> type[TransformersImage2Text] | type[LocalEmbedder]:
    """Returns the model class for a folder, from its config; nothing is loaded.

    Raises:
        UsageError: no supported kind.
    """
    config = folder.json("config.json")
    type_ = str(config.get("model_type", ""))
    _check_known(folder, config, type_)
    auto: Any = importlib.import_module("transformers.models.auto.modeling_auto")
    captioning = auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    duals = auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES
    architecture = str((config.get("architectures") or [""])[0])
    if folder.json("modules.json"):
        return SentenceEncoder
    if type_ in captioning and (type_ not in duals or architecture.endswith(_GENERATIVE_SUFFIXES)):
        return TransformersImage2Text
    if type_ in duals:
        return DualEncoder
    if type_ in VISION_TYPES:
        return VisionEncoder
    if type_ in SENTENCE_TYPES:
        return SentenceEncoder
    raise UsageError(
        f"{folder.name} is a {type_}, which is neither an image-to-text model nor an embedder: choose a captioning "
        "model, a vision-language chat model, a dual encoder or a sentence encoder."
    )


def _check_known(folder: Folder, config: Mapping[str, Any], type_: str) -> None:
    if not config and folder.json("model_index.json"):
        raise UsageError(f"{folder.name} is a text-to-image pipeline: write diffusers/{folder.name}.")
    if not type_ and not folder.json("modules.json"):
        raise UsageError(
            f"{folder.name} has no config.json with a model_type: give a folder as `save_pretrained` writes it."
        )
    auto: Any = importlib.import_module("transformers.models.auto.configuration_auto")
    if type_ and type_ not in auto.CONFIG_MAPPING_NAMES:
        own = " and contains custom code, which is never run" if config.get("auto_map") else ""
        raise UsageError(
            f"The installed transformers does not know {folder.name}: it is a {type_}{own}; update transformers, or "
            "choose another model."
        )


provider = TransformersProvider()
