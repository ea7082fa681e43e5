"""Players that follow instructions, with tiny nets that have learned nothing: batches, seeds, options, mixed files."""

import pytest
import torch

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.core.images import content_hash
from telephone.models import image2text, pocket
from telephone.nets.blip import Blip, BlipConfig, BlipTextConfig, ImageEncoderConfig
from telephone.nets.blip_2 import Blip2, Blip2Config
from telephone.nets.checkpoint import save_weights
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.minigpt_4 import MiniGpt4, MiniGpt4Config
from telephone.nets.qformer import QFormerConfig

WORDS = (
    "a",
    "beach",
    "boat",
    "colour",
    "describe",
    "detailed",
    "image",
    "is",
    "of",
    "red",
    "the",
    "this",
    "what",
    "write",
)
NAMES = ("pocket/blip-2", "pocket/minigpt-4")
TEXTS = ["a red apple on a beach", "two small blue boats at night, neon", "a yellow cat in the snow", "a city"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with tiny weights of everything."""
    path = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    image = ImageEncoderConfig(stem=(8, 8, 8), width=16, layers=1)
    config = BlipConfig(image, BlipTextConfig(words=("a",), width=16, layers=1, embedding=8))
    keep(path, "blip", Blip(config))
    keep(path, "language-model", LanguageModel(LanguageModelConfig(words=WORDS, width=16, layers=1, hidden=16)))
    marks = {"language-model": sha(path, "language-model"), "blip": "any"}
    keep(path, "blip-2", Blip2(Blip2Config(QFormerConfig(queries=3, width=16, layers=1, image_width=16), 16)), marks)
    marks |= {"blip-2": sha(path, "blip-2")}
    keep(path, "minigpt-4", MiniGpt4(MiniGpt4Config(16, 16)), marks)
    return path


def keep(folder, name, net, reads=None):
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
    save_weights(folder / f"{name}.safetensors", net, net.config, {"reads": reads or {}})


def sha(folder, name):
    return content_hash((folder / f"{name}.safetensors").read_bytes())


@pytest.fixture(autouse=True)
def _weights(folder, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(folder))


@pytest.fixture(scope="module")
def pictures():
    return [world.render(world.parse(text)) for text in TEXTS]


@pytest.mark.parametrize("ref", NAMES)
@pytest.mark.parametrize("options", ["", "?temperature=1.5"])
def test_an_answer_depends_on_its_own_picture_and_seed_alone(ref, options, pictures):
    player = image2text(ref + options)
    many, seeds = pictures * 5, list(range(20))
    together = player.generate_texts(many, seeds)
    assert together == [player.generate_texts([picture], [seed])[0] for picture, seed in zip(many, seeds, strict=True)]
    assert len(set(together)) > (4 if options else 1)
    assert (len(set(together[::4])) > 1) == bool(options)


@pytest.mark.parametrize("ref", NAMES)
def test_questions_of_any_length_are_answered_in_any_company(ref, pictures):
    player = image2text(ref)
    questions = ["What colour is the boat?", "这是什么？", "What is this?", ""]
    together = player.answer(pictures, questions)
    assert together == [player.answer([p], [q])[0] for p, q in zip(pictures, questions, strict=True)]
    assert player.answer(pictures[:1], ["What is this?"]) == player.answer(pictures[:1], ["What is this?"], [7])
    with pytest.raises(UsageError, match="4 images and 1 questions"):
        player.answer(pictures, ["What is this?"])
    assert player.answer([], []) == []


def test_a_description_is_the_answer_to_the_task(pictures):
    player = image2text("pocket/minigpt-4?task=What is this?")
    assert player.task_description == "What is this?"
    assert player.generate_texts(pictures) == player.answer(pictures, ["What is this?"] * 4)
    assert player.traits().fingerprint != image2text("pocket/minigpt-4").traits().fingerprint
    before = player.traits().fingerprint
    player.task_description = "Describe this image."
    assert player.traits().fingerprint != before


def test_an_answer_is_no_longer_than_asked(pictures):
    told = image2text("pocket/blip-2?max_tokens=2").generate_texts(pictures[:1])[0]
    assert len(told.split()) <= 2


@pytest.mark.parametrize("query", ["task=", "task=" + "a" * 401, "max_tokens=0", "temperature=-1"])
def test_bad_options_are_refused(query):
    with pytest.raises(UsageError):
        image2text(f"pocket/minigpt-4?{query}")


def test_weights_that_do_not_belong_together_are_refused(folder, tmp_path, monkeypatch, pictures):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    other = LanguageModel(LanguageModelConfig(words=WORDS, width=16, layers=1, hidden=16))
    save_weights(tmp_path / "language-model.safetensors", other, other.config, {"player": "another"})
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    for name, player in (("blip-2", pocket.PocketBlip2()), ("minigpt-4", pocket.PocketMiniGpt4())):
        with pytest.raises(WeightsError, match=f"telephone learn {name}"):
            player.generate_text(pictures[0], 0)
