"""Tiny pipelines of diffusers: Stable Diffusion with and without a safety checker, unCLIP, and one without a text."""

import json
from pathlib import Path
from typing import Any

from tiny_parts import clip_processor, clip_text_config, clip_tokenizer, louder, vision_config


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
        feature_extractor=None if checker is None else clip_processor(),
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


def kandinsky(path: Path) -> None:
    """Writes both halves of Kandinsky 2.2: the decoder, whose card names the prior, and the prior in a subfolder."""
    from diffusers import DDPMScheduler, KandinskyV22Pipeline, VQModel

    unet = _unet(
        out_channels=8,
        addition_embed_type="image",
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        encoder_hid_dim=32,
        encoder_hid_dim_type="image_proj",
        cross_attention_dim=16,
        resnet_time_scale_shift="scale_shift",
    )
    movq = VQModel(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=8,
        norm_type="spatial",
        num_vq_embeddings=12,
        vq_embed_dim=4,
    )
    noise = DDPMScheduler(beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False)
    KandinskyV22Pipeline(unet=louder(unet, 1.5), scheduler=noise, movq=movq).save_pretrained(path)
    _kandinsky_prior(path / "first")
    (path / "README.md").write_text(f"---\nprior:\n- {path / 'first'}\n---\n")


def _kandinsky_prior(path: Path) -> None:
    from diffusers import KandinskyV22PriorPipeline, PriorTransformer, UnCLIPScheduler
    from transformers import (
        CLIPTextConfig,
        CLIPTextModelWithProjection,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    prior = PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1)
    prior.clip_std.data.fill_(1)
    KandinskyV22PriorPipeline(
        prior=louder(prior, 2),
        image_encoder=CLIPVisionModelWithProjection(CLIPVisionConfig(**vision_config())),
        text_encoder=louder(CLIPTextModelWithProjection(CLIPTextConfig(**clip_text_config())), 4),
        tokenizer=clip_tokenizer(path / "tokenizer"),
        scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", num_train_timesteps=1000, clip_sample_range=10.0
        ),
        image_processor=clip_processor(),
    ).save_pretrained(path)


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
