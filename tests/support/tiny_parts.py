"""What the tiny models are put together from: tokenizers without downloads, sizes, and louder weights."""

import json
from pathlib import Path
from typing import Any

WORDS = (
    "a an the red blue green cat dog boat house tree sea shows with two three on under image of and small big".split()  # noqa: SIM905 - easier to read
)
SIDE = 32
"""Side of the images that image-to-text models and embedders take, in pixels."""
CHAT = (
    "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


def louder(model: Any, factor: float) -> Any:
    """Returns the model with every matrix multiplied; random nets of the usual scale say the same to everything."""
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data *= factor
    return model


def clip_tokenizer(folder: Path, length: int = 77) -> Any:
    """Returns a tokenizer of single signs, written as the two files that CLIP's wants."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    signs = list(bytes_to_unicode().values())
    words = [*signs, *(sign + "</w>" for sign in signs), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: at for at, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=length)


def bert_tokenizer(folder: Path, length: int = 64) -> Any:
    """Returns a tokenizer of a few words and all letters, as BERT's."""
    from transformers import BertTokenizer

    letters = [chr(at) for at in range(97, 123)]
    chinese = list("一二三红蓝绿色的猫狗船房子树海边在上下和")
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *WORDS,
        *letters,
        *(f"##{sign}" for sign in letters),
        *chinese,
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(words)) + "\n")
    return BertTokenizer(str(folder / "vocab.txt"), model_max_length=length)


def byte_tokenizer(specials: list[str], end: str = "</s>", pad: str = "<pad>") -> Any:
    """Returns a byte-level tokenizer with these special words, as the language models of chat models have."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [pad, "<s>", end, "<unk>", *specials]
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate([*words, *signs])}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token=end,
        pad_token=pad,
        unk_token="<unk>",
        additional_special_tokens=specials,
    )


def clip_text_config(words: int = 514, width: int = 32) -> dict[str, Any]:
    """Returns the sizes of a small text encoder of CLIP."""
    return {
        "vocab_size": words,
        "hidden_size": width,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "bos_token_id": 512,
        "eos_token_id": 513,
        "pad_token_id": 1,
        "projection_dim": 32,
    }


def vision_config(**more: Any) -> dict[str, Any]:
    """Returns the sizes of a small image encoder."""
    base = {
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": SIDE,
        "patch_size": 8,
        "projection_dim": 32,
    }
    return base | more


def llama_config(words: int, **more: Any) -> dict[str, Any]:
    """Returns the sizes of a small language model."""
    base = {
        "vocab_size": words,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 512,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    return base | more


def clip_processor() -> Any:
    """Returns what CLIP does with a picture, small."""
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})


def save(model: Any, processor: Any, path: Path) -> None:
    """Writes both into one folder."""
    model.save_pretrained(path)
    processor.save_pretrained(path)
