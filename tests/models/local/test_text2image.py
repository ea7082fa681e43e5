"""Drawers of diffusers, tiny but real: every class, loader and option is the library's own."""

import functools
import json
import shutil
import warnings

import numpy as np
import pytest

from telephone.core.errors import ModelRefused, UsageError, WeightsError
from telephone.core.images import encode_png
from telephone.models import load_model, parse_ref, text2image

pytestmark = [
    pytest.mark.slow,
    # The tiny models' schedulers and the deprecated unCLIP talk about their own future.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
TEXTS = ["a red cat", "a small blue boat under a tree", "a red cat"]


@pytest.fixture(scope="module")
def sd(tiny_model):
    return f"diffusers/{tiny_model('stable-diffusion')}?steps=2"


@pytest.fixture(scope="module")
def unclip(tiny_model):
    return f"diffusers/{tiny_model('unclip')}?steps=2"


@pytest.fixture(scope="module")
def kandinsky(tiny_model):
    return f"diffusers/{tiny_model('kandinsky')}?steps=2&size=64"


def bytes_of(images):
    return [encode_png(image) for image in images]


def far(one, other):
    return np.abs(np.asarray(one, int) - np.asarray(other, int)).mean()


@pytest.mark.parametrize("which", ["sd", "unclip", "kandinsky"])
def test_a_picture_changes_with_text_and_seed_and_with_nothing_else(which, request):
    ref = request.getfixturevalue(which)
    drawer = text2image(ref)
    first, other_text, other_seed, again = drawer.generate_images([TEXTS[0], TEXTS[1], *TEXTS[:1] * 2], [1, 1, 2, 1])
    assert encode_png(first) == encode_png(again)
    assert far(first, other_text) > 1
    assert far(first, other_seed) > 1
    assert drawer.traits().seeds
    assert encode_png(drawer.generate_image(TEXTS[0])) == encode_png(drawer.generate_image(TEXTS[0]))


def test_company_changes_no_byte_of_a_picture(sd):
    seeds = [1, 2, 3, 4, 5]
    texts = [*TEXTS, "sea", ""]
    alone = bytes_of([text2image(sd).generate_image(text, seed) for text, seed in zip(texts, seeds, strict=True)])
    assert bytes_of(text2image(sd).generate_images(texts, seeds)) == alone
    batch = text2image(f"{sd}&batch=4")
    assert batch.traits().batch_size == 4
    together = bytes_of(batch.generate_images(texts, seeds))
    assert bytes_of(batch.generate_images(texts[::-1], seeds[::-1])) == together[::-1]
    assert bytes_of(batch.generate_images(texts[2:3], seeds[2:3])) == together[2:3]


def test_company_changes_no_byte_of_an_unclip_picture(unclip):
    batch = text2image(f"{unclip}&batch=3")
    together = bytes_of(batch.generate_images(TEXTS, [1, 2, 3]))
    assert bytes_of(batch.generate_images(TEXTS[1:2], [2])) == together[1:2]


def test_a_decoder_finds_its_prior_by_its_card_or_by_the_option(kandinsky, tiny_model, tmp_path):
    drawer = text2image(kandinsky)
    assert drawer.count_cut("abcde " * 20) == 25
    assert drawer.traits().max_tokens == 77
    path = shutil.copytree(tiny_model("kandinsky"), tmp_path / "halves")
    (path / "README.md").unlink()
    with pytest.raises(UsageError, match="name the prior with the option prior"):
        load_model(f"diffusers/{path}")
    named = text2image(f"diffusers/{path}?steps=2&size=64&prior={path / 'first'}")
    assert encode_png(named.generate_image("a cat", 1)) == encode_png(drawer.generate_image("a cat", 1))
    assert named.traits().fingerprint == drawer.traits().fingerprint
    config = json.loads((path / "first" / "scheduler" / "scheduler_config.json").read_text())
    changed = json.dumps(config | {"clip_sample_range": 1.0})
    (path / "first" / "scheduler" / "scheduler_config.json").write_text(changed)
    other = text2image(f"diffusers/{path}?size=64&steps=2&dtype=float32&prior={path / 'first'}")
    assert other.traits().fingerprint != drawer.traits().fingerprint
    with pytest.raises(UsageError, match="takes no prior"):
        load_model(f"diffusers/{tiny_model('stable-diffusion')}?prior=a/b")


def test_memory_that_runs_out_makes_smaller_batches(sd, monkeypatch):
    import torch

    drawer = text2image(f"{sd}&batch=8")
    real, sizes = drawer._pipe.__class__.__call__, []

    @functools.wraps(real)
    def hungry(self, prompt, **more):
        sizes.append(len(prompt))
        if len(prompt) > 2:
            torch.empty(2**46, dtype=torch.float64)
        return real(self, prompt=prompt, **more)

    monkeypatch.setattr(drawer._pipe.__class__, "__call__", hungry)
    halved = bytes_of(drawer.generate_images(TEXTS, [1, 2, 3]))
    assert halved == bytes_of(text2image(sd).generate_images(TEXTS, [1, 2, 3]))
    assert sizes[:4] == [8, 4, 2, 2]


def test_size_steps_guidance_and_scheduler_are_the_pipelines(sd):
    base = sd.partition("?")[0]
    wide = text2image(f"{base}?steps=2&size=32x16").generate_image("a cat", 1)
    assert wide.size == (32, 16)
    assert text2image(f"{base}?steps=2&width=24&height=16").generate_image("a cat", 1).size == (24, 16)
    plain = encode_png(text2image(sd).generate_image("a cat", 1))
    for option in ("guidance=1", "scheduler=EulerDiscreteScheduler", "scheduler=EulerAncestralDiscreteScheduler"):
        changed = text2image(f"{sd}&{option}")
        assert encode_png(changed.generate_image("a cat", 1)) != plain
        assert changed.traits().fingerprint != text2image(sd).traits().fingerprint
    ancestral = text2image(f"{sd}&scheduler=EulerAncestralDiscreteScheduler")
    alone = encode_png(ancestral.generate_image(TEXTS[1], 2))
    assert bytes_of(ancestral.generate_images(TEXTS[:2], [1, 2]))[1] == alone


@pytest.mark.parametrize(
    ("which", "option", "says"),
    [
        ("sd", "scheduler=Fast", "choose one of .*DDIMScheduler, .*EulerDiscreteScheduler"),
        ("sd", "size=33", "multiples of 2: 33 is not"),
        ("unclip", "size=32", "UnCLIPPipeline does not accept width"),
        ("unclip", "scheduler=DDIMScheduler", "no scheduler that can be replaced"),
    ],
)
def test_an_option_that_does_not_suit_the_pipeline_is_told(which, option, says, request):
    ref = request.getfixturevalue(which)
    with pytest.raises(UsageError, match=says):
        text2image(f"{ref}&{option}").generate_image("a cat", 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("step=3", r"no option 'step'.*Did you mean steps"),
        ("size=0", "give a number of pixels such as 512"),
        ("size=16&width=16", "leave width and height out"),
        ("dtype=int8", "give one of: auto, float32"),
        ("device=gpu", "give auto, cpu"),
        ("offload=model", "needs an accelerator"),
    ],
)
def test_an_option_that_cannot_be_read_is_told(sd, options, says):
    base = sd.partition("?")[0]
    ref = f"{base}?{options}" if "device" in options else f"{base}?{options}&device=cpu"
    with pytest.raises(UsageError, match=says):
        text2image(ref).generate_image("a")


def test_tokens_that_are_cut_are_counted(sd, unclip):
    assert text2image(sd).count_cut("abc") == 0
    assert text2image(sd).count_cut("abcde " * 20) == 100 + 2 - 77
    assert text2image(sd).traits().max_tokens == 77
    assert text2image(unclip).count_cut("abcde " * 20) == 25
    assert text2image(sd).generate_image("abcde " * 20, 1).size == (16, 16)


def test_what_the_safety_checker_blacks_out_is_a_refusal_of_that_item(tmp_path):
    import tiny_text2image as tiny
    import torch

    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiny.stable_diffusion(tmp_path / "all", tiny.safety_checker(-2.0))
        tiny.stable_diffusion(tmp_path / "none", tiny.safety_checker(2.0))
    refused = text2image(f"diffusers/{tmp_path / 'all'}?steps=2").generate_images(TEXTS, [1, 2, 3])
    assert all(isinstance(one, ModelRefused) and "safety checker" in str(one) for one in refused)
    made = text2image(f"diffusers/{tmp_path / 'none'}?steps=2").generate_images(TEXTS, [1, 2, 3])
    assert not any(isinstance(one, ModelRefused) for one in made)


def test_what_draws_from_no_text_or_brings_code_is_not_used(tiny_model, tmp_path):
    with pytest.raises(UsageError, match="DDPMPipeline, which needs more than a text"):
        text2image(f"diffusers/{tiny_model('unconditional')}").generate_image("a")
    path = shutil.copytree(tiny_model("stable-diffusion"), tmp_path / "own")
    (path / "unet" / "mine.py").write_text("raise SystemExit('run')")
    index = json.loads((path / "model_index.json").read_text())
    (path / "model_index.json").write_text(json.dumps(index | {"unet": ["mine", "Net"]}))
    with pytest.raises(UsageError, match="contains custom code, which is never run"):
        load_model(f"diffusers/{path}")


def test_a_folder_that_lacks_a_file_or_is_for_others_is_told(tiny_model, tmp_path):
    path = shutil.copytree(tiny_model("stable-diffusion"), tmp_path / "half")
    (path / "vae" / "config.json").unlink()
    with pytest.raises(WeightsError, match="cannot be loaded"):
        text2image(f"diffusers/{path}?steps=2").generate_image("a")
    with pytest.raises(UsageError, match="try transformers/"):
        load_model(f"diffusers/{tiny_model('clip')}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no model_index.json"):
        load_model(f"diffusers/{tmp_path / 'empty'}")


def test_the_fingerprint_follows_weights_and_options_but_not_the_place(tiny_model, tmp_path):
    path = shutil.copytree(tiny_model("stable-diffusion"), tmp_path / "copy")
    first = load_model(f"diffusers/{tiny_model('stable-diffusion')}").traits().fingerprint
    assert load_model(f"diffusers/{path}").traits().fingerprint == first
    assert load_model(f"diffusers/{path}?steps=3").traits().fingerprint != first
    assert load_model(f"diffusers/{path}?dtype=bfloat16").traits().fingerprint != first
    config = json.loads((path / "scheduler" / "scheduler_config.json").read_text())
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(config | {"eta": 0.5}))
    assert load_model(f"diffusers/{path}?dtype=auto").traits().fingerprint != first


def test_an_address_with_a_path_is_read_back_as_it_was():
    for ref in ("diffusers//abs/path?steps=2", "diffusers/./rel/path", "transformers/~/models/x"):
        assert str(parse_ref(ref)) == ref


def test_a_model_that_was_put_away_comes_back(sd):
    drawer = text2image(sd)
    before = encode_png(drawer.generate_image("a cat", 1))
    drawer.unload()
    assert "_pipe" not in vars(drawer)
    assert encode_png(drawer.generate_image("a cat", 1)) == before
