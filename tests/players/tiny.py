"""Tiny random models with the libraries' own configs: `python tests/players/tiny.py FOLDER [KIND …]` writes them.

Nothing is downloaded. Weights are scaled up where the usual beginning would make a model deaf to its input, so that a
picture changes with the text and a description with the picture.
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

WORDS = (
    "a an the red blue green cat dog boat house tree sea shows with two three on under image of and small big".split()  # noqa: SIM905 - easier to read
)
SIDE = 32
"""Pixels of what the describers and embedders look at."""


def build(folder: Path, kinds: Iterable[str] = ()) -> dict[str, Path]:
    """Writes the models of these kinds (all if none is named) into folders of their own and returns where they are."""
    import torch

    made = {}
    for kind in kinds or KINDS:
        torch.manual_seed(0)
        path = folder / kind
        KINDS[kind](path)
        made[kind] = path
    return made


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


def _unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    sizes = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
    }
    return UNet2DConditionModel(**(sizes | more))


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16),
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        norm_num_groups=4,
    )


def _ddim() -> Any:
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False
    )


def _clip_processor() -> Any:
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})


def stable_diffusion(path: Path, checker: Any = None) -> None:
    """Writes a Stable Diffusion that draws 16 x 16 pixels; `checker` is a safety checker, None is none."""
    from diffusers import StableDiffusionPipeline
    from transformers import CLIPTextConfig, CLIPTextModel

    StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=louder(CLIPTextModel(CLIPTextConfig(**clip_text_config())), 4),
        tokenizer=clip_tokenizer(path / "tokenizer"),
        unet=louder(_unet(), 1.6),
        scheduler=_ddim(),
        safety_checker=checker,
        feature_extractor=None if checker is None else _clip_processor(),
        requires_safety_checker=checker is not None,
    ).save_pretrained(path)


def safety_checker(threshold: float) -> Any:
    """Returns a safety checker that blacks out what is nearer than the threshold (a cosine) to any of its concepts."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    config = CLIPConfig(text_config=clip_text_config(), vision_config=vision_config(), projection_dim=32)
    checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds.data.normal_()
    checker.concept_embeds_weights.data.fill_(threshold)
    checker.special_care_embeds_weights.data.fill_(2.0)
    return checker


def unclip(path: Path) -> None:
    """Writes the components of unCLIP in the layout of the published folder."""
    from diffusers import PriorTransformer, UnCLIPPipeline, UnCLIPScheduler, UNet2DModel
    from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    decoder = _unet(
        in_channels=3,
        out_channels=6,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        class_embed_type="identity",
        resnet_time_scale_shift="scale_shift",
        cross_attention_dim=32,
    )
    UnCLIPPipeline(
        prior=louder(PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1), 2),
        decoder=louder(decoder, 1.5),
        text_encoder=louder(CLIPTextModelWithProjection(CLIPTextConfig(**clip_text_config())), 4),
        tokenizer=clip_tokenizer(path / "tokenizer"),
        text_proj=UnCLIPTextProjModel(
            clip_embeddings_dim=32, time_embed_dim=32, cross_attention_dim=32, clip_extra_context_tokens=4
        ),
        super_res_first=_upsampler(UNet2DModel),
        super_res_last=_upsampler(UNet2DModel),
        prior_scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", num_train_timesteps=1000, clip_sample_range=5.0
        ),
        decoder_scheduler=UnCLIPScheduler(variance_type="learned_range", prediction_type="epsilon"),
        super_res_scheduler=UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="epsilon"),
    ).save_pretrained(path)
    index = json.loads((path / "model_index.json").read_text())
    index["text_proj"] = ["unclip", "UnCLIPTextProjModel"]  # as published; the library has moved the class since
    (path / "model_index.json").write_text(json.dumps(index, indent=2))


def _upsampler(cls: Any) -> Any:
    return cls(
        sample_size=16,
        in_channels=6,
        out_channels=3,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("ResnetDownsampleBlock2D",) * 2,
        up_block_types=("ResnetUpsampleBlock2D",) * 2,
    )


def unconditional(path: Path) -> None:
    """Writes a pipeline that draws without a text, which no line can use."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    net = UNet2DModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )
    DDPMPipeline(unet=net, scheduler=DDPMScheduler()).save_pretrained(path)


def blip(path: Path) -> None:
    """Writes a captioner."""
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipImageProcessorPil, BlipProcessor

    tokenizer = bert_tokenizer(path)
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "encoder_hidden_size": 32,
        "intermediate_size": 37,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "bos_token_id": 2,
        "eos_token_id": 3,
        "sep_token_id": 3,
        "pad_token_id": 0,
        "projection_dim": 32,
    }
    look = vision_config(initializer_range=0.02)  # its own beginning is all but zero
    config = BlipConfig(text_config=text, vision_config=look, image_text_hidden_size=32, projection_dim=32)
    model = louder(BlipForConditionalGeneration(config), 10)
    _save(model, BlipProcessor(BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}), tokenizer), path)


CHAT = (
    "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)


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


def llava(path: Path) -> None:
    """Writes a chat model that sees."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = byte_tokenizer(["<image>"])
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**vision_config()),
        text_config=LlamaConfig(**llama_config(len(tokenizer))),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(SIDE // 8) ** 2,
        vision_feature_select_strategy="default",
        vision_feature_layer=-2,
    )
    model = louder(LlavaForConditionalGeneration(config), 8)
    processor = LlavaProcessor(
        _clip_processor(),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    _save(model, processor, path)


def qwen_vl(path: Path) -> None:
    """Writes a chat model whose own processor cannot be made without torchvision."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    tokenizer = byte_tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    ids = {word: tokenizer.convert_tokens_to_ids(word) for word in tokenizer.all_special_tokens}
    text = llama_config(
        len(tokenizer),
        rope_parameters={"type": "default", "rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e4},
    )
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_heads": 4,
        "out_hidden_size": 32,
        "patch_size": 8,
        "spatial_merge_size": 2,
        "window_size": 32,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    louder(Qwen2_5_VLForConditionalGeneration(config), 8).save_pretrained(path)
    chat = CHAT.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")
    tokenizer.save_pretrained(path)
    Qwen2VLImageProcessorPil(
        patch_size=8, merge_size=2, size={"shortest_edge": 256, "longest_edge": 4096}
    ).save_pretrained(path)
    (path / "chat_template.jinja").write_text(chat)
    settings = json.loads((path / "preprocessor_config.json").read_text())
    (path / "preprocessor_config.json").write_text(json.dumps(settings | {"processor_class": "Qwen2_5_VLProcessor"}))


def clip(path: Path) -> None:
    """Writes an embedder of texts and pictures."""
    from transformers import CLIPConfig, CLIPModel, CLIPProcessor

    config = CLIPConfig(text_config=clip_text_config(), vision_config=vision_config(), projection_dim=32)
    _save(louder(CLIPModel(config), 4), CLIPProcessor(_clip_processor(), clip_tokenizer(path)), path)


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
    _save(louder(ChineseCLIPModel(config), 4), ChineseCLIPProcessor(look, tokenizer), path)


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
    told = {"in_features": 32, "out_features": width, "bias": True, "activation_function": act}
    (path / "config.json").write_text(json.dumps(told))
    weights = {"linear.weight": torch.randn(width, 32), "linear.bias": torch.randn(width)}
    save_file(weights, path / "model.safetensors")


def _save(model: Any, processor: Any, path: Path) -> None:
    model.save_pretrained(path)
    processor.save_pretrained(path)


KINDS: dict[str, Callable[[Path], None]] = {
    "stable-diffusion": stable_diffusion,
    "unclip": unclip,
    "unconditional": unconditional,
    "blip": blip,
    "llava": llava,
    "qwen-vl": qwen_vl,
    "clip": clip,
    "siglip": siglip,
    "chinese-clip": chinese_clip,
    "dinov2": dinov2,
    "minilm": minilm,
}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(f"python tests/players/tiny.py FOLDER [KIND …]; the kinds: {', '.join(KINDS)}")
    for made in build(Path(sys.argv[1]), sys.argv[2:]).values():
        print(made)
