"""The recipe of mPLUG-Owl from end to end, the model that plays with its file, and the visual words."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from telephone import world
from telephone.core.errors import UsageError, WeightsError
from telephone.models import image2text
from telephone.models.pocket import PocketMplugOwl, weights
from telephone.nets.checkpoint import read_metadata, save_weights
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.tokenizer import EOS, PAD, UNKNOWN, ChatTokenizer
from telephone.train import mplug_owl
from telephone.train.common import data, instruction_data, visual_words
from telephone.train.common.heads import QUERIES
from telephone.train.language_model import learn_words
from telephone.world.scene import Scene, Thing


@pytest.fixture(scope="module")
def tokenizer():
    return ChatTokenizer(learn_words(1500))


def language_model(tokenizer, width=192):
    torch.manual_seed(0)
    return LanguageModel(LanguageModelConfig(words=tokenizer.words[8:], width=width, layers=1, heads=2)).eval()


@pytest.mark.slow
def test_the_recipe_makes_a_file_that_answers(tmp_path, monkeypatch, tokenizer, make_recipe, losses):
    monkeypatch.setattr(instruction_data, "SCENES", 2)
    monkeypatch.setattr(instruction_data, "LONG", Decoding(limit=4))
    monkeypatch.setattr(mplug_owl, "BATCH", 4)
    recipe = make_recipe("mplug-owl", pictures=64)
    with monkeypatch.context() as without, pytest.raises(WeightsError, match="language-model"):
        package = _package_of(tmp_path / "package", "blip.safetensors")
        without.setattr(weights, "shipped_folder", lambda: package)
        mplug_owl.main(recipe)
    model = language_model(tokenizer)
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {})
    path = mplug_owl.main(recipe)
    assert read_metadata(path)[1]["model"] == "pocket/mplug-owl"
    for name in mplug_owl.STAGES:
        losses(recipe, name)
    assert "questions are answered right" in (recipe.folder / "samples" / "instructions-last.txt").read_text("utf-8")
    again = mplug_owl.main(replace(recipe, weights=tmp_path / "again.safetensors"))
    assert again.read_bytes() == path.read_bytes()  # all steps are taken, so nothing more is learned
    monkeypatch.setenv("TELEPHONE_WEIGHTS", str(tmp_path))
    _play()
    torch.nn.init.normal_(model.token.weight)
    save_weights(tmp_path / "language-model.safetensors", model, model.config, {})
    with pytest.raises(WeightsError, match="trained with another file"):
        PocketMplugOwl().generate_text(world.render(Scene()))


def _package_of(folder, *names):
    """A package with these weight files alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*names, weights.INDEX):
        shutil.copy(weights.shipped_folder() / name, folder)
    return folder


def _play():
    model = image2text("pocket/mplug-owl?max_tokens=5&temperature=1")
    pictures = [world.render(world.sample("easy", i), 64, i) for i in range(3)]
    told = model.generate_texts(pictures, [1, 2, 3])
    assert len(told) == 3
    assert model.generate_texts(pictures[1:2], [2]) == told[1:2]
    asked = ["What colour is the boat?", "用中文描述这张图片。", "Where?"]
    assert model.answer(pictures, asked, [1, 2, 3])[2:] == model.answer(pictures[2:], asked[2:], [3])
    short = image2text("pocket/mplug-owl?task=Where%3F")
    assert short.traits().fingerprint != image2text("pocket/mplug-owl").traits().fingerprint
    with pytest.raises(UsageError, match="3 images and 1 questions"):
        model.answer(pictures, asked[:1])


def test_visual_words_name_the_facts_in_order(tokenizer):
    model = language_model(tokenizer, width=16)
    scene = Scene("beach", "night", style="neon", things=(Thing("cat", "red", "big", 3, "top left"),))
    embeddings = visual_words.word_embeddings([scene], model, tokenizer)
    assert embeddings.shape == (1, QUERIES, 16)
    words = ["neon", "beach", "night", ",", *[","] * 15, None, "three", "big", "red", "cat", *[","] * 10]
    for place, word in enumerate(words):
        if word:
            assert torch.allclose(embeddings[0, place], model.token.weight[tokenizer.encode(word)[0]]), (place, word)
    assert torch.allclose(embeddings[0, 19], model.token.weight[tokenizer.encode("top left")].mean(0))


def test_the_language_model_knows_every_visual_word(tokenizer):
    assert all(UNKNOWN not in tokenizer.encode(word) for words in visual_words.WORDS.values() for word in words)


@pytest.mark.parametrize("as_text", [False, True])
def test_only_the_answer_is_a_target(tokenizer, as_text):
    scenes = [data.train_scene("owl", i) for i in range(6)]
    rng = np.random.default_rng(0)
    drawn = [
        (*instruction_data.encode(scene, tokenizer, rng, ("question",), as_text), i) for i, scene in enumerate(scenes)
    ]
    batch = instruction_data.stacked(drawn)
    assert batch.tokens.shape == batch.answers.shape
    assert batch.rows.tolist() == list(range(6))
    for row, tokens, answers in zip(batch.rows, batch.tokens.tolist(), batch.answers.tolist(), strict=True):
        start = next(i for i, token in enumerate(answers) if token != PAD)
        question = tokenizer.decode(tokens[tokens.index(5) + 1 : start])
        truth = world.questions.answer(scenes[row], question)
        assert tokenizer.decode(answers[start:]) == tokenizer.decode(tokenizer.answer(truth))
        assert tokens[start:] == answers[start:]
        assert tokens[start - 1] == 7  # <assistant>
        assert EOS in answers
