"""Tiny embedders of transformers: dual encoders, a vision encoder and a sentence encoder."""

import json
from pathlib import Path

from tiny_parts import (
    SIDE,
    bert_tokenizer,
    byte_tokenizer,
    clip_processor,
    clip_text_config,
    clip_tokenizer,
    louder,
    save,
    vision_config,
)


def clip(path: Path) -> None:
    """Writes an embedder of texts and pictures."""
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor

    config = CLIPConfig(text_config=clip_text_config(), vision_config=vision_config(), projection_dim=32)
    save(louder(CLIPModel(config), 4), CLIPProcessor(clip_processor(), clip_tokenizer(path)), path)


def siglip(path: Path) -> None:
    """Writes an embedder with SigLIP's pooling; its tokenizer is a byte-level one, as no sentence pieces are here."""
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    tokenizer = byte_tokenizer([])
    tokenizer.model_max_length = 64
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "projection_size": 32,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    config = SiglipConfig(text_config=text, vision_config=vision_config())
    louder(SiglipModel(config), 4).save_pretrained(path)
    tokenizer.save_pretrained(path)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(path)


def chinese_clip(path: Path) -> None:
    """Writes an embedder whose text side is BERT's."""
    from transformers import (
        ChineseCLIPConfig,
        ChineseCLIPImageProcessorPil,
        ChineseCLIPModel,
        ChineseCLIPProcessor,
    )

    tokenizer = bert_tokenizer(path)
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
    }
    config = ChineseCLIPConfig(text_config=text, vision_config=vision_config(), projection_dim=32)
    look = ChineseCLIPImageProcessorPil(size={"height": SIDE, "width": SIDE}, do_center_crop=False)
    save(louder(ChineseCLIPModel(config), 4), ChineseCLIPProcessor(look, tokenizer), path)


def dinov2(path: Path) -> None:
    """Writes an embedder of pictures alone."""
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": SIDE, "patch_size": 8}
    louder(Dinov2Model(Dinov2Config(**sizes)), 2).save_pretrained(path)
    look = BitImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    look.save_pretrained(path)


def minilm(path: Path, pooling: str = "mean", dense: int = 0) -> None:
    """Writes a folder as sentence-transformers keeps it; `dense` is the width of a layer after the pooling, 0 none."""
    from transformers import BertConfig, BertModel

    tokenizer = bert_tokenizer(path)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=37,
        max_position_embeddings=64,
    )
    louder(BertModel(config), 4).save_pretrained(path)
    tokenizer.save_pretrained(path)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize")]
    kept = [
        {"idx": at, "name": str(at), "path": where, "type": f"sentence_transformers.models.{kind}"}
        for at, (where, kind) in enumerate(modules)
        if kind != "Dense" or dense
    ]
    (path / "modules.json").write_text(json.dumps(kept))
    (path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24, "do_lower_case": False}))
    (path / "1_Pooling").mkdir(exist_ok=True)
    (path / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 32, f"pooling_mode_{pooling}": True})
    )
    if dense:
        _dense(path / "2_Dense", dense)


def _dense(path: Path, width: int) -> None:
    import torch
    from safetensors.torch import save_file

    path.mkdir(exist_ok=True)
    act = "torch.nn.modules.activation.Tanh"
    config = {"in_features": 32, "out_features": width, "bias": True, "activation_function": act}
    (path / "config.json").write_text(json.dumps(config))
    weights = {"linear.weight": torch.randn(width, 32), "linear.bias": torch.randn(width)}
    save_file(weights, path / "model.safetensors")
