"""Tiny image-to-text models of transformers: captioners and chat models, with every shape of processor."""

import json
from pathlib import Path
from typing import Any

from tiny_parts import (
    CHAT,
    SIDE,
    bert_tokenizer,
    byte_tokenizer,
    clip_processor,
    llama_config,
    louder,
    save,
    vision_config,
)


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
    save(model, BlipProcessor(BlipImageProcessorPil(size={"height": SIDE, "width": SIDE}), tokenizer), path)


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
        clip_processor(),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    save(model, processor, path)


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


def vit_gpt2(path: Path) -> None:
    """Writes a captioner that has a tokenizer and an image processor but no processor of both."""
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessorPil,
    )

    tokenizer = byte_tokenizer([])
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    words = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=64, **ends)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**vision_config()), words)
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = 1, 2, 0
    model = louder(VisionEncoderDecoderModel(config), 6)
    model.generation_config.decoder_start_token_id, model.generation_config.pad_token_id = 1, 0
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(path)


def blip_2(path: Path) -> None:
    """Writes a captioner with a Q-Former."""
    from transformers import (
        Blip2Config,
        Blip2ForConditionalGeneration,
        Blip2Processor,
        BlipImageProcessorPil,
        OPTConfig,
    )

    tokenizer = byte_tokenizer(["<image>"])
    former = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 37}
    language = OPTConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        word_embed_proj_dim=32,
        ffn_dim=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    config = Blip2Config(
        vision_config=vision_config(initializer_range=0.02),
        qformer_config=former | {"encoder_hidden_size": 32, "vocab_size": 100, "cross_attention_frequency": 1},
        text_config=language.to_dict(),
        num_query_tokens=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    look = BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    save(louder(Blip2ForConditionalGeneration(config), 6), Blip2Processor(look, tokenizer, num_query_tokens=4), path)


def git(path: Path) -> None:
    """Writes a captioner that takes no words."""
    from transformers import GitConfig, GitForCausalLM, GitProcessor

    tokenizer = bert_tokenizer(path)
    config = GitConfig(
        vision_config=vision_config(),
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=37,
        max_position_embeddings=64,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    save(louder(GitForCausalLM(config), 6), GitProcessor(clip_processor(), tokenizer), path)


def llava_onevision(path: Path) -> None:
    """Writes a chat model whose processor takes films too."""
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessorPil,
        Qwen2Config,
        SiglipVisionConfig,
    )

    tokenizer = byte_tokenizer(["<image>", "<video>"])
    grid = [[SIDE, SIDE], [2 * SIDE, SIDE], [SIDE, 2 * SIDE]]
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(**vision_config(), vision_use_head=False).to_dict(),
        text_config=Qwen2Config(**llama_config(len(tokenizer))).to_dict(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=grid,
        vision_feature_layer=-1,
        vision_aspect_ratio="anyres_max_2",
    )
    louder(LlavaOnevisionForConditionalGeneration(config), 6).save_pretrained(path)
    look = LlavaOnevisionImageProcessorPil(size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=grid)
    settings = {"num_image_tokens": 16, "vision_feature_select_strategy": "full", "vision_aspect_ratio": "anyres_max_2"}
    _chat_folder(path, tokenizer, look, "LlavaOnevisionProcessor", settings)


def idefics3(path: Path, name: str = "Idefics3") -> None:
    """Writes a chat model; its sister SmolVLM has the same shape and a processor that takes films too."""
    import transformers

    places = [f"<row_{row}_col_{column}>" for row in (1, 2) for column in (1, 2)]
    marks = ["<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>"]
    tokenizer = byte_tokenizer([*marks, *places])
    config = getattr(transformers, f"{name}Config")(
        vision_config=vision_config(),
        text_config=transformers.LlamaConfig(**llama_config(len(tokenizer))).to_dict(),
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    louder(getattr(transformers, f"{name}ForConditionalGeneration")(config), 6).save_pretrained(path)
    look = getattr(transformers, f"{name}ImageProcessorPil")(
        size={"longest_edge": SIDE}, max_image_size={"longest_edge": SIDE}, do_image_splitting=False
    )
    _chat_folder(path, tokenizer, look, f"{name}Processor", {"image_seq_len": 4})


def smolvlm(path: Path) -> None:
    """Writes a chat model whose processor needs the package num2words."""
    idefics3(path, "SmolVLM")


def _chat_folder(path: Path, tokenizer: Any, look: Any, processor: str, settings: dict[str, Any]) -> None:
    """Writes the files of a processor that cannot be made here, as it also takes films."""
    tokenizer.save_pretrained(path)
    look.save_pretrained(path)
    (path / "processor_config.json").write_text(json.dumps(settings | {"processor_class": processor}))
    (path / "chat_template.jinja").write_text(CHAT)
