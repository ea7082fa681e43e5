"""Loads a text-to-image pipeline of diffusers from files: automatically where possible, unCLIP by component."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from telephone.core.errors import TelephoneError, UsageError, WeightsError
from telephone.models.local.device_placement import DevicePlacement, quiet
from telephone.models.local.pipeline_inspection import COMBINED, PipelineSummary, require_diffusers

_UNCLIP = "UnCLIPPipeline"


def load(summary: PipelineSummary, placement: DevicePlacement) -> Any:
    """Returns the pipeline in main memory.

    Raises:
        UsageError: diffusers is missing or does not support the pipeline, or it is not a text-to-image pipeline.
        WeightsError: files are missing or incompatible.
    """
    require_diffusers(summary.folder.name)
    import diffusers  # noqa: F401 - before its bars are silenced
    import torch

    kwargs = {
        "dtype": getattr(torch, placement.dtype),
        "use_safetensors": True,
        "local_files_only": True,
        "variant": summary.weights.variant or None,
    }
    with quiet():
        try:
            pipe = _assemble(summary, kwargs)
        except TelephoneError:
            raise
        except Exception as error:  # noqa: BLE001 - damaged files lead the library into errors of any type
            raise WeightsError(
                f"The files of {summary.folder.name} cannot be loaded ({_short(error)}): {summary.folder.remedy}."
            ) from error
    _check_draws(summary, pipe)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def replace_scheduler(pipe: Any, name: str) -> None:
    """Replaces the scheduler of a pipeline by a compatible one.

    Raises:
        UsageError: it cannot be replaced, or there is no compatible one of this name.
    """
    own = getattr(pipe, "scheduler", None)
    if own is None or not hasattr(own, "compatibles"):
        raise UsageError(f"{type(pipe).__name__} has no scheduler that can be replaced: leave the option out.")
    known = {cls.__name__: cls for cls in [type(own), *own.compatibles]}
    if name not in known:
        raise UsageError(
            f"There is no scheduler {name!r} for {type(pipe).__name__}: choose one of {', '.join(sorted(known))}."
        )
    try:
        pipe.scheduler = known[name].from_config(own.config)
    except (ImportError, ValueError) as error:
        raise UsageError(f"The scheduler {name} cannot be used here ({_short(error)}): choose another.") from error


def arguments(pipe: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the keyword arguments of this pipeline for steps, guidance, width and height.

    Args:
        pipe: any pipeline.
        options: requested values; None is the default of the pipeline.

    Raises:
        UsageError: the pipeline does not accept one of them.
    """
    takes = set(inspect.signature(pipe.__call__).parameters)
    names: dict[str, tuple[str, ...]] = {
        "steps": ("num_inference_steps",),
        "guidance": ("guidance_scale",),
        "width": ("width",),
        "height": ("height",),
    }
    if not takes & {"num_inference_steps", "guidance_scale"}:  # unCLIP has an argument for each of its stages
        names["steps"] = ("prior_num_inference_steps", "decoder_num_inference_steps", "super_res_num_inference_steps")
        names["guidance"] = ("decoder_guidance_scale",)
    given: dict[str, Any] = {}
    for option, value in options.items():
        if value is None:
            continue
        if not set(names[option]) <= takes:
            raise UsageError(f"{type(pipe).__name__} does not accept {option}: leave the option out.")
        given |= dict.fromkeys(names[option], value)
    return given


def _assemble(summary: PipelineSummary, kwargs: Mapping[str, Any]) -> Any:
    if summary.kind == _UNCLIP:
        return _unclip(summary.folder.path, kwargs)
    if summary.prior is not None:
        return _combined(summary, summary.prior, kwargs)
    return _automatic(summary, kwargs)


def _combined(summary: PipelineSummary, prior: PipelineSummary, kwargs: Mapping[str, Any]) -> Any:
    """Joins decoder and prior here, because the library would look for the prior on the hub."""
    import diffusers

    both = [
        diffusers.DiffusionPipeline.from_pretrained(
            str(each.folder.path), **{**kwargs, "variant": each.weights.variant or None}
        )
        for each in (summary, prior)
    ]
    parts = {**both[0].components, **{f"prior_{name}": part for name, part in both[1].components.items()}}
    return getattr(diffusers, COMBINED[summary.kind])(**parts)


def _automatic(summary: PipelineSummary, kwargs: Mapping[str, Any]) -> Any:
    from diffusers import AutoPipelineForText2Image, DiffusionPipeline

    try:
        return AutoPipelineForText2Image.from_pretrained(str(summary.folder.path), **kwargs)
    except ValueError as error:
        if "AutoPipeline" not in str(error):
            raise _unsupported(summary, error) from error
    try:
        return DiffusionPipeline.from_pretrained(str(summary.folder.path), **kwargs)
    except (ValueError, AttributeError) as error:
        raise _unsupported(summary, error) from error


def _unclip(path: Path, kwargs: Mapping[str, Any]) -> Any:
    """Loads the components one by one, because the library has moved the class of one of them."""
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
    made = {part: cls.from_pretrained(str(path), subfolder=part, **kwargs) for part, cls in nets.items()}
    made |= {
        part: cls.from_pretrained(str(path), subfolder=part, local_files_only=True) for part, cls in others.items()
    }
    return diffusers.UnCLIPPipeline(**made)


def _check_draws(summary: PipelineSummary, pipe: Any) -> None:
    parameters = inspect.signature(pipe.__call__).parameters
    needs = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if "prompt" not in parameters or set(needs) - {"prompt"}:
        raise UsageError(
            f"{summary.folder.name} is a {summary.kind}, which needs more than a text: choose a text-to-image pipeline."
        )


def _unsupported(summary: PipelineSummary, error: Exception) -> UsageError:
    return UsageError(
        f"The installed diffusers cannot load {summary.folder.name}, a {summary.kind} ({_short(error)}): update "
        "diffusers, or choose another model."
    )


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160].rstrip(".")
