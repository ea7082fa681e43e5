"""Loads a text-to-image pipeline of diffusers from files: automatically where possible, unCLIP piece by piece."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telephone.core.errors import UsageError, WeightsError
from telephone.models.local.device_placement import DevicePlacement, quiet
from telephone.models.local.pipeline_inspection import COMBINED, Plan, require_diffusers

_UNCLIP = "UnCLIPPipeline"


def load(plan: Plan, where: DevicePlacement) -> Any:
    """Returns the pipeline in main memory.

    Raises:
        UsageError: diffusers is missing or does not know the pipeline, or it does not draw from a text.
        WeightsError: files are missing or do not fit together.
    """
    require_diffusers(plan.folder.name)
    import diffusers  # noqa: F401 - before its bars are silenced
    import torch

    how = {
        "dtype": getattr(torch, where.dtype),
        "use_safetensors": True,
        "local_files_only": True,
        "variant": plan.weights.variant or None,
    }
    with quiet():
        try:
            pipe = _put_together(plan, how)
        except (OSError, KeyError, RuntimeError) as error:
            raise WeightsError(
                f"The files of {plan.folder.name} cannot be loaded ({_short(error)}): {plan.folder.remedy}."
            ) from error
    _check_draws(plan, pipe)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def use_scheduler(pipe: Any, name: str) -> None:
    """Puts another sampler of the pipeline's kind in place of its own.

    Raises:
        UsageError: it has none that can be changed, or there is none of this name.
    """
    own = getattr(pipe, "scheduler", None)
    if own is None or not hasattr(own, "compatibles"):
        raise UsageError(f"{type(pipe).__name__} has no scheduler that can be changed: leave the option out.")
    known = {cls.__name__: cls for cls in [type(own), *own.compatibles]}
    if name not in known:
        raise UsageError(
            f"There is no scheduler {name!r} for {type(pipe).__name__}: it takes {', '.join(sorted(known))}."
        )
    try:
        pipe.scheduler = known[name].from_config(own.config)
    except (ImportError, ValueError) as error:
        raise UsageError(f"The scheduler {name} cannot be used here ({_short(error)}): choose another.") from error


def arguments(pipe: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the words under which this pipeline takes steps, guidance, width and height.

    Args:
        pipe: any pipeline.
        options: what the user asked for; None is left to the pipeline.

    Raises:
        UsageError: the pipeline does not take one of them.
    """
    takes = set(inspect.signature(pipe.__call__).parameters)
    words: dict[str, tuple[str, ...]] = {
        "steps": ("num_inference_steps",),
        "guidance": ("guidance_scale",),
        "width": ("width",),
        "height": ("height",),
    }
    if not takes & {"num_inference_steps", "guidance_scale"}:  # unCLIP has a word for each of its stages
        words["steps"] = ("prior_num_inference_steps", "decoder_num_inference_steps", "super_res_num_inference_steps")
        words["guidance"] = ("decoder_guidance_scale",)
    given: dict[str, Any] = {}
    for option, value in options.items():
        if value is None:
            continue
        if not set(words[option]) <= takes:
            raise UsageError(f"{type(pipe).__name__} takes no {option}: leave the option out.")
        given |= dict.fromkeys(words[option], value)
    return given


def _put_together(plan: Plan, how: Mapping[str, Any]) -> Any:
    if plan.kind == _UNCLIP:
        return _unclip(plan.folder.path, how)
    if plan.prior is not None:
        return _combined(plan, plan.prior, how)
    return _automatic(plan, how)


def _combined(plan: Plan, prior: Plan, how: Mapping[str, Any]) -> Any:
    """Joins both halves here, as the library would look for the second one on the hub."""
    import diffusers

    halves = [
        diffusers.DiffusionPipeline.from_pretrained(
            str(half.folder.path), **{**how, "variant": half.weights.variant or None}
        )
        for half in (plan, prior)
    ]
    parts = {**halves[0].components, **{f"prior_{name}": part for name, part in halves[1].components.items()}}
    return getattr(diffusers, COMBINED[plan.kind])(**parts)


def _automatic(plan: Plan, how: Mapping[str, Any]) -> Any:
    from diffusers import AutoPipelineForText2Image, DiffusionPipeline

    try:
        return AutoPipelineForText2Image.from_pretrained(str(plan.folder.path), **how)
    except ValueError as error:
        if "AutoPipeline" not in str(error):
            raise _unsupported(plan, error) from error
    try:
        return DiffusionPipeline.from_pretrained(str(plan.folder.path), **how)
    except (ValueError, AttributeError) as error:
        raise _unsupported(plan, error) from error


def _unclip(path: Path, how: Mapping[str, Any]) -> Any:
    """The library can no longer put these pieces together, as it has moved the class of one of them."""
    import diffusers
    from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
    from transformers import CLIPTextModelWithProjection, CLIPTokenizer

    nets: dict[str, Any] = {
        "prior": diffusers.PriorTransformer,
        "decoder": diffusers.UNet2DConditionModel,
        "text_encoder": CLIPTextModelWithProjection,
        "text_proj": UnCLIPTextProjModel,
        "super_res_first": diffusers.UNet2DModel,
        "super_res_last": diffusers.UNet2DModel,
    }
    others: dict[str, Any] = {
        "tokenizer": CLIPTokenizer,
        "prior_scheduler": diffusers.UnCLIPScheduler,
        "decoder_scheduler": diffusers.UnCLIPScheduler,
        "super_res_scheduler": diffusers.UnCLIPScheduler,
    }
    made = {part: cls.from_pretrained(str(path), subfolder=part, **how) for part, cls in nets.items()}
    made |= {
        part: cls.from_pretrained(str(path), subfolder=part, local_files_only=True) for part, cls in others.items()
    }
    return diffusers.UnCLIPPipeline(**made)


def _check_draws(plan: Plan, pipe: Any) -> None:
    parameters = inspect.signature(pipe.__call__).parameters
    needs = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if "prompt" not in parameters or set(needs) - {"prompt"}:
        raise UsageError(f"{plan.folder.name} is a {plan.kind}, which does not draw from a text alone: choose another.")


def _unsupported(plan: Plan, error: Exception) -> UsageError:
    return UsageError(
        f"The installed diffusers cannot load {plan.folder.name}, a {plan.kind} ({_short(error)}): update diffusers, "
        "or choose another model."
    )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160].rstrip(".")
