"""`pocket/clip-prefix` with tiny nets: batches, options, a tuned language model of its own, files that do not fit."""

from dataclasses import replace

import pytest
import torch

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.core.images import content_hash
from telephone.models import image2text
from telephone.models.pocket.clip_prefix import PocketClipPrefix as Model
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig, ClipTextConfig, VisionConfig
from telephone.nets.clip_prefix import ClipPrefix, ClipPrefixConfig
from telephone.nets.language_model import LanguageModel, LanguageModelConfig

SPOKEN = LanguageModelConfig(words=("a", "boat", "is", "red", "the"), width=16, layers=1, hidden=16)
CONFIG = ClipPrefixConfig(prefix=3, view=7 * 16, width=12, language_width=16, spread=2, layers=1, hidden=12)
TEXTS = ["a red apple on a beach", "two small blue boats at night, neon", "a yellow cat in the snow", "a city"]


@pytest.fixture(params=["transformer", "mlp"])
def folder(request, tmp_path, monkeypatch):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    clip = Clip(ClipConfig(VisionConfig(stem=(8, 8, 8), width=16, layers=1), ClipTextConfig(width=16, layers=1), 8))
    keep(tmp_path, "clip", clip)
    keep(tmp_path, "language-model", LanguageModel(SPOKEN))
    reads = {name: content_hash((tmp_path / f"{name}.safetensors").read_bytes()) for name in ("clip", "language-model")}
    tuned = SPOKEN if request.param == "mlp" else None
    keep(tmp_path, "clip-prefix", ClipPrefix(replace(CONFIG, mapper=request.param, tuned=tuned)), reads)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    return tmp_path


def keep(folder, name, net, reads=None):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
    save_weights(folder / f"{name}.safetensors", net, net.config, {"reads": reads or {}})


@pytest.mark.parametrize("options", ["", "?temperature=1.5"])
def test_an_answer_depends_on_its_own_picture_and_seed_alone(folder, options):
    player = image2text("pocket/clip-prefix" + options)
    pictures, seeds = [world.render(world.parse(text)) for text in TEXTS] * 5, list(range(20))
    together = player.generate_texts(pictures, seeds)
    assert together == [player.generate_texts([p], [s])[0] for p, s in zip(pictures, seeds, strict=True)]


def test_it_follows_its_task_and_is_no_longer_than_asked(folder):
    picture = world.render(world.parse(TEXTS[0]))
    player = image2text("pocket/clip-prefix?task=Is the boat red?&max_tokens=3")
    assert player.generate_texts([picture]) == player.answer([picture], ["Is the boat red?"])
    assert len(player.generate_texts([picture])[0].split()) <= 3
    assert player.traits().fingerprint != Model().traits().fingerprint
    with pytest.raises(UsageError):
        image2text("pocket/clip-prefix?max_tokens=0")


def test_weights_that_do_not_belong_together_are_refused(folder):
    other = Clip(ClipConfig(VisionConfig(stem=(8, 8, 8), width=16, layers=1), ClipTextConfig(width=16, layers=1), 8))
    keep(folder, "clip", other)
    with pytest.raises(WeightsError, match="telephone learn clip-prefix"):
        Model().generate_text(world.render(world.Scene()), 0)
