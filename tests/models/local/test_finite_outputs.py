"""Values that are not numbers are failures, not black images or repeated tokens."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from telephone.core.errors import ModelError
from telephone.models import image2text, text2image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def spoilt(source, target, file, name, value):
    """Copies a model and writes `value` into the first weight whose name starts with `name`."""
    folder = shutil.copytree(source, target)
    weights = load_file(folder / file)
    first = next(key for key in sorted(weights) if key.startswith(name))
    weights[first].view(-1)[0] = value
    save_file(weights, folder / file, {"format": "pt"})
    return folder


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("vae/diffusion_pytorch_model.safetensors", "decoder.conv_in", np.nan),
        ("vae/diffusion_pytorch_model.safetensors", "decoder.conv_out.bias", np.inf),
        ("unet/diffusion_pytorch_model.safetensors", "conv_in", np.inf),
    ],
)
def test_a_pipeline_that_leaves_the_numbers_fails(tiny_model, tmp_path, file, name, value):
    folder = spoilt(tiny_model("stable-diffusion"), tmp_path / "model", file, name, value)
    made = text2image(f"diffusers/{folder}?steps=2&batch=2").generate_images(["a", "b", "c"], [1, 2, 3])
    assert [type(each) for each in made] == [ModelError] * 3
    assert "not a number: try dtype=float32" in str(made[0])


def test_only_the_item_that_is_broken_fails(tiny_model, monkeypatch):
    drawer = text2image(f"diffusers/{tiny_model('stable-diffusion')}?steps=2&batch=3")
    good = drawer.generate_images(["a", "b", "c"], [1, 2, 3])
    forward = drawer._pipe.unet.forward

    def broken(sample, *args, **kwargs):
        made = forward(sample, *args, **kwargs)
        rows = made[0] if isinstance(made, tuple) else made.sample
        rows[1::3] = torch.nan  # the second item, with and without guidance
        return made

    monkeypatch.setattr(drawer._pipe.unet, "forward", broken)
    first, second, third = drawer.generate_images(["a", "b", "c"], [1, 2, 3])
    assert isinstance(second, ModelError)
    assert (first.tobytes(), third.tobytes()) == (good[0].tobytes(), good[2].tobytes())


@pytest.mark.parametrize("kind", ["unclip", "kandinsky"])
def test_finite_pipelines_of_other_kinds_are_not_accused(tiny_model, kind):
    ref = f"diffusers/{tiny_model(kind)}?steps=2&batch=2" + ("&size=64" if kind == "kandinsky" else "")
    assert all(isinstance(each, Image.Image) for each in text2image(ref).generate_images(["a", "b"], [1, 2]))


@pytest.mark.parametrize("options", ["", "&beams=2", "&temperature=1"])
@pytest.mark.parametrize("kind", ["blip", "llava"])
def test_a_describer_that_leaves_the_numbers_fails(tiny_model, tmp_path, kind, options):
    folder = shutil.copytree(tiny_model(kind), tmp_path / kind)
    weights = load_file(folder / "model.safetensors")
    save_file(
        {key: torch.full_like(value, torch.nan) for key, value in weights.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    shown = [Image.new("RGB", (32, 32), colour) for colour in ("red", "navy")]
    made = image2text(f"transformers/{folder}?max_tokens=4&batch=2{options}").generate_texts(shown, [1, 2])
    assert [type(each) for each in made] == [ModelError] * 2
    assert "try dtype=float32" in str(made[0])
