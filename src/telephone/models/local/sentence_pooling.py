"""Pooling configuration of a sentence-transformers folder, read from its small files."""

from dataclasses import dataclass
from typing import Any

from telephone.core.errors import UsageError, WeightsError
from telephone.models.local.model_files import Folder

MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_lasttoken": "last",
    "pooling_mode_cls": "cls",
    "pooling_mode_mean": "mean",
    "pooling_mode_max": "max",
    "pooling_mode_last": "last",
}
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU")


@dataclass(frozen=True)
class Dense:
    """A linear layer after pooling."""

    part: str
    activation: str
    file: str = "model.safetensors"


@dataclass(frozen=True)
class Pooling:
    """Pooling of token vectors to one vector."""

    folder: Folder
    mode: str = "mean"
    """mean, cls, max or last."""
    limit: int | None = None
    """Maximum number of tokens."""
    prompt: str = ""
    """Prefix of every text."""
    dense: tuple[Dense, ...] = ()

    def __str__(self) -> str:
        return repr((self.mode, self.limit, self.prompt, self.dense))

    @property
    def parts(self) -> tuple[str, ...]:
        """Subfolders with weights of layers."""
        return tuple(layer.part for layer in self.dense)

    def pool(self, tokens: Any, mask: Any) -> Any:
        """Returns [n, d] of token vectors [n, t, w] and their mask [n, t]; not yet of unit length."""
        import torch

        seen = mask.unsqueeze(-1).to(tokens.dtype)
        if self.mode == "cls":
            pooled = tokens[:, 0]
        elif self.mode == "max":
            pooled = tokens.masked_fill(seen == 0, float("-inf")).amax(1)
        elif self.mode == "last":
            at = (mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)).argmax(1)
            pooled = tokens[torch.arange(len(tokens), device=mask.device), at]
        else:
            pooled = (tokens * seen).sum(1) / seen.sum(1).clamp(min=1e-9)
        for layer in self.dense:
            pooled = self._apply(layer, pooled)
        return pooled

    def _apply(self, layer: Dense, rows: Any) -> Any:
        import torch
        from safetensors.torch import load_file

        held = load_file(self.folder.path / layer.part / layer.file, device=str(rows.device))
        bias = held.get("linear.bias")
        made = torch.nn.functional.linear(rows, held["linear.weight"].float(), None if bias is None else bias.float())
        return getattr(torch.nn, layer.activation)()(made)


def read_pooling(folder: Folder) -> Pooling:
    """Returns the pooling configuration of a folder.

    Raises:
        UsageError: it has an unsupported step.
        WeightsError: a layer is missing or pickled.
    """
    steps = [item for item in folder.json("modules.json").get("items", []) if isinstance(item, dict)]
    mode, dense = "mean", []
    for step in steps:
        kind, part = str(step.get("type", "")).rpartition(".")[2], str(step.get("path", ""))
        if kind == "Pooling":
            mode = _mode(folder, part)
        elif kind == "Dense":
            dense.append(_dense(folder, part))
        elif kind not in ("Transformer", "Normalize"):
            raise UsageError(f"{folder.name} has an unsupported step {kind!r}: choose another model.")
    return Pooling(folder, mode, _limit(folder), _prompt(folder), tuple(dense))


def _mode(folder: Folder, part: str) -> str:
    config = folder.json(f"{part}/config.json")
    chosen = {MODES[key] for key, value in config.items() if value is True and key in MODES}
    if str(config.get("pooling_mode", "")) in ("cls", "mean", "max", "last", "lasttoken"):
        chosen.add(str(config["pooling_mode"]).removesuffix("token"))
    unknown = [
        key for key, value in config.items() if value is True and key.startswith("pooling_") and key not in MODES
    ]
    if unknown or len(chosen) != 1:
        raise UsageError(f"{folder.name} has an unsupported pooling mode: choose a model with mean pooling.")
    return chosen.pop()


def _dense(folder: Folder, part: str) -> Dense:
    config = folder.json(f"{part}/config.json")
    activation = str(config.get("activation_function", "Identity")).rpartition(".")[2]
    if activation not in ACTIVATIONS:
        raise UsageError(f"{folder.name} has a layer with {activation}, which is not supported: choose another model.")
    if not (folder.path / part / "model.safetensors").exists():
        raise WeightsError(f"{folder.name} has no {part}/model.safetensors: {folder.remedy}.")
    return Dense(part, activation)


def _limit(folder: Folder) -> int | None:
    limits = (
        folder.json("sentence_bert_config.json").get("max_seq_length"),
        folder.json("tokenizer_config.json").get("model_max_length"),
        folder.json("config.json").get("max_position_embeddings"),
    )
    known = [int(limit) for limit in limits if isinstance(limit, int | float) and 0 < limit < 10**6]
    return known[0] if known else None


def _prompt(folder: Folder) -> str:
    config = folder.json("config_sentence_transformers.json")
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name"), ""))
