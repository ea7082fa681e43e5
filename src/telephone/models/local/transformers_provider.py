"""The provider `transformers`: tells by a model's small files whether it describes or embeds, and makes the player."""

import importlib
from collections.abc import Mapping
from typing import Any

from telephone.core.errors import UsageError
from telephone.models.base import Model
from telephone.models.local import embedder, image2text
from telephone.models.local.embedder import DualEncoder, LocalEmbedder, SentenceEncoder, VisionEncoder
from telephone.models.local.image2text import Describer, Manner
from telephone.models.local.model_files import Folder, locate
from telephone.models.local.options import Machine, read
from telephone.models.provider import ModelCard

SEES = ("dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "ijepa", "vit_msn")
READS = (
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
_TELLS = ("ForConditionalGeneration", "ForCausalLM", "ForVision2Seq", "ForVisionText2Text", "EncoderDecoderModel")


class Transformers:
    """Any describer or embedder of the library, by the name it has on the hub or by its folder."""

    name = "transformers"

    def cards(self) -> list[ModelCard]:
        """Returns two cards that stand for all models."""
        tells = "any image-to-text model: a captioner or a chat model that sees; or a folder"
        embeds = "any dual encoder, DINO or sentence encoder; or a folder"
        return [
            ModelCard("transformers/ORG/MODEL", "image2text", tells, tuple(sorted(image2text.OPTIONS))),
            ModelCard("transformers/ORG/ENCODER", "embedder", embeds, tuple(sorted(embedder.OPTIONS))),
        ]

    def make(self, name: str, options: Mapping[str, str]) -> Model:
        """Returns a player; its files are looked at, not loaded.

        Raises:
            UsageError: an option is wrong, or the model does neither.
            WeightsError: the model is not on this machine.
        """
        folder = locate(name, options.get("revision", ""), "transformers")
        made = kind(folder)
        if made is Describer:
            values = read(f"transformers/{name}", image2text.OPTIONS, options)
            machine = Machine.take(values)
            return Describer(folder, Manner(**values), machine)
        embedder.refuse_options(folder, options)
        values = {"batch": embedder.BATCH} | read(f"transformers/{name}", embedder.OPTIONS, options)
        assert issubclass(made, LocalEmbedder)
        return made(folder, Machine.take(values))


def kind(folder: Folder) -> type[Describer] | type[LocalEmbedder]:
    """Returns the class of player that a folder is for, from its config; nothing is loaded.

    Raises:
        UsageError: none of them.
    """
    config = folder.json("config.json")
    type_ = str(config.get("model_type", ""))
    _check_known(folder, config, type_)
    auto: Any = importlib.import_module("transformers.models.auto.modeling_auto")
    tellers = auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    duals = auto.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES
    architecture = str((config.get("architectures") or [""])[0])
    if folder.json("modules.json"):
        return SentenceEncoder
    if type_ in tellers and (type_ not in duals or architecture.endswith(_TELLS)):
        return Describer
    if type_ in duals:
        return DualEncoder
    if type_ in SEES:
        return VisionEncoder
    if type_ in READS:
        return SentenceEncoder
    raise UsageError(
        f"{folder.name} is a {type_}, which neither describes a picture nor embeds: choose a captioner, a chat model "
        "that sees, a dual encoder or a sentence encoder."
    )


def _check_known(folder: Folder, config: Mapping[str, Any], type_: str) -> None:
    if not config and folder.json("model_index.json"):
        raise UsageError(f"{folder.name} is a pipeline that draws: write diffusers/{folder.name}.")
    if not type_ and not folder.json("modules.json"):
        raise UsageError(
            f"{folder.name} has no config.json with a model_type: give a folder as `save_pretrained` writes it."
        )
    auto: Any = importlib.import_module("transformers.models.auto.configuration_auto")
    if type_ and type_ not in auto.CONFIG_MAPPING_NAMES:
        own = " and brings code of its own, which is never run" if config.get("auto_map") else ""
        raise UsageError(
            f"The installed transformers does not know {folder.name}: it is a {type_}{own}; update transformers, or "
            "choose another model."
        )


provider = Transformers()
