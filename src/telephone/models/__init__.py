"""Models: the interfaces, the registry that resolves addresses, and the built-in providers in its subpackages."""

from typing import Any

from telephone.models.base import (
    Embedder,
    Image2Text,
    ImageEditor,
    IncompleteModel,
    Model,
    ModelKind,
    SceneModel,
    Text2Image,
    Traits,
    generate_image_outputs,
    generate_images,
    generate_text_outputs,
    generate_texts,
    kind_of,
    name_of,
)
from telephone.models.editing import Edit, edit_outputs
from telephone.models.provider import Catalogue, Entry, ModelCard, Provider, choice, integer, number
from telephone.models.registry import (
    Registry,
    embedder,
    image2text,
    image_editor,
    list_models,
    load_model,
    parse_ref,
    perfect_partner,
    problems,
    text2image,
)
from telephone.models.results import ModelOutput

__all__ = [
    "Catalogue",
    "Edit",
    "Embedder",
    "Entry",
    "Image2Text",
    "ImageEditor",
    "IncompleteModel",
    "Model",
    "ModelCard",
    "ModelKind",
    "ModelOutput",
    "Provider",
    "Registry",
    "SceneModel",
    "Text2Image",
    "Traits",
    "choice",
    "edit_outputs",
    "embedder",
    "generate_image_outputs",
    "generate_images",
    "generate_text_outputs",
    "generate_texts",
    "image2text",
    "image_editor",
    "integer",
    "kind_of",
    "list_models",
    "load_model",
    "name_of",
    "number",
    "parse_ref",
    "perfect_partner",
    "problems",
    "text2image",
]

_RENAMED = {
    "Answer": "telephone.models.ModelOutput",
    "IncompletePlayer": "telephone.models.IncompleteModel",
    "PlayerKind": "telephone.models.ModelKind",
    "Player": "telephone.models.Model",
    "PlayerCard": "telephone.models.ModelCard",
    "PlayerError": "telephone.core.errors.ModelError",
    "PlayerRefused": "telephone.core.errors.ModelRefused",
    "PlayerUnavailable": "telephone.core.errors.ModelUnavailable",
    "UnknownPlayer": "telephone.core.errors.UnknownModel",
    "describe": "telephone.models.generate_texts",
    "describe_answers": "telephone.models.generate_text_outputs",
    "draw": "telephone.models.generate_images",
    "draw_answers": "telephone.models.generate_image_outputs",
    "player": "telephone.models.load_model",
    "players": "telephone.models.list_models",
    "whole": "telephone.models.integer",
}
"""Former names of this package and what replaces them."""


def __getattr__(name: str) -> Any:
    """Raises an error that names the replacement of a renamed class or function."""
    if name in _RENAMED:
        # An ImportError: `from telephone.models import Player` would replace the text of an AttributeError by its own.
        raise ImportError(f"telephone.models.{name} is renamed: use {_RENAMED[name]}.", name=__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
