import hashlib

import pytest
from PIL import Image

from telephone import models
from telephone.battle import PairRunner
from telephone.core.errors import ModelError, ModelRefused, UsageError
from telephone.core.images import decode, encode_png
from telephone.core.records import Prompt
from telephone.models import Image2Text, Text2Image

APPLE = Prompt("A red apple on a wooden table, seen from above.", "medium")


class GreyPainter(Text2Image):
    def __init__(self):
        self.name = "grey"

    def generate_image(self, text):
        return Image.new("L", (8, 8), len(text))


class GreyReader(Image2Text):
    def __init__(self):
        self.name = "reader"

    def generate_text(self, image_url):
        return "x" * (image_url.getpixel((0, 0))[0] - 1)


@pytest.fixture
def line() -> PairRunner:
    return PairRunner(models.text2image("fake/painter?loss=0.2"), models.image2text("fake/captioner?loss=0.1"))


def test_the_game_of_the_article(capsys):
    line = PairRunner(GreyPainter(), GreyReader())
    line.play(APPLE, nturns=3)
    name = line.get_conversation_name(APPLE.text)
    assert name == hashlib.md5(f"grey_reader{APPLE.text}".encode()).hexdigest()[:6]
    conversation = line.conversations[name]
    size = len(APPLE.text)
    assert conversation["texts"] == [APPLE.text, "x" * (size - 1), "x" * (size - 2), "x" * (size - 3)]
    assert [image.getpixel((0, 0))[0] for image in conversation["images"]] == [size, size - 1, size - 2]
    assert conversation["level"] == conversation.level == "medium"
    assert conversation["image_urls"][0].startswith("data:image/png;base64,")
    assert capsys.readouterr().out == "Connecting grey <-> reader with prompt: A red apple on a woo...\n"


def test_one_seed_gives_one_game(line: PairRunner):
    first, again, other = line.play(APPLE, 4), line.play(APPLE, 4), line.play(APPLE, 4, seed=5)
    assert first.texts == again.texts != other.texts
    assert len(first.texts) == 5
    assert len(first.images) == 4


def test_ten_turns_are_the_default(line: PairRunner):
    assert len(line.play("A plain text.").images) == 10


def test_a_game_can_start_with_a_picture(line: PairRunner):
    start = encode_png(models.text2image("fake/painter").generate_image("A cat and a dog and a fish."))
    talk = line.play(Prompt("a label", image=start), nturns=2)
    assert len(talk.texts) == 2
    assert len(talk.images) == 3
    assert talk.images[0].tobytes() == decode(start).tobytes()
    assert set(talk.texts[0].split()) <= {"A", "cat", "and", "a", "dog", "fish."}


def test_a_prompt_of_another_class_works(line: PairRunner):
    class Own:
        text, level = "An apple.", "hard"

    assert line.play(Own(), nturns=1).level == "hard"


@pytest.mark.parametrize(("how", "error"), [("raise", RuntimeError), ("refuse", ModelRefused), ("none", ModelError)])
def test_the_exception_of_a_model_is_raised(how, error):
    line = PairRunner(models.text2image("fake/painter"), models.image2text(f"fake/broken-captioner?how={how}"))
    with pytest.raises(error):
        line.play(APPLE)
    assert len(line.conversations[line.get_conversation_name(APPLE.text)].images) == 1


def test_models_of_the_wrong_kind_are_refused():
    with pytest.raises(UsageError, match="first a Text2Image, then an Image2Text model"):
        PairRunner(GreyReader(), GreyPainter())


def test_a_conversation_record_is_a_mapping(line: PairRunner):
    talk = line.play(APPLE, 1)
    assert dict(talk).keys() == {"prompt", "level", "texts", "images", "image_urls"}
    assert len(talk) == 5
    with pytest.raises(KeyError):
        talk["nothing"]
