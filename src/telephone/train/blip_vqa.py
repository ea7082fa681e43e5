"""Recipe of the answers of `pocket/blip`: a question encoder and an answer decoder, learned on BLIP's frozen squares.

Both start from BLIP's own layers (Li et al. 2022, section 5.4); questions and answers come from `world.questions`,
several a picture. BLIP itself is not touched: its descriptions stay the same.

    telephone learn blip-vqa --minutes 15 --pictures 40000

It comes after `blip`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from telephone import world
from telephone.nets.blip import Blip, BlipConfig, BlipImageEncoder
from telephone.nets.blip_vqa import Answerer, AnswererConfig
from telephone.nets.checkpoint import save_weights
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data, feature_cache
from telephone.train.common.recipe import Recipe, Stage, frozen, keep
from telephone.world.questions import Question, agrees, answer, ask, pose, questions, say, understand
from telephone.world.render import render_array
from telephone.world.scene import Scene

MINUTES = 15.0
IMAGES, EACH = 32, 4
"""Pictures of a batch, and questions about each."""
LANGS = ("en",)
SCENES = 32
"""Held-out scenes a level on which it is examined."""
ABOUT = ("colour", "count", "size", "place", "exists", "relation", "things", "setting", "time", "weather", "style")


def main(recipe: Recipe) -> Path:
    """Learns to answer, from where it was stopped, and writes the weight file."""
    device = recipe.start()
    blip: Blip = frozen(recipe, "blip", lambda config: Blip(BlipConfig.from_dict(config)))
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", learn_words))
    net = Answerer(AnswererConfig(tokenizer.words[4:], blip.config.image.width, blip.config.text.width)).to(device)
    net.start_from(blip)
    seen = feature_cache.squares(recipe, blip.image_encoder, f"sight {recipe.seed}", recipe.pictures)
    learn_to_answer(recipe, net, tokenizer, seen, blip.image_encoder)
    about = {"player": "pocket/blip", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, net.config, about, bits=8)
    return recipe.weights


def learn_words() -> tuple[str, ...]:
    """Returns every word of questions and answers, in alphabetical order."""
    rng = np.random.default_rng(0)
    pairs = [questions(data.train_scene("words", i), rng, LANGS) for i in range(12_000)]
    return WordTokenizer.learn(text for pair in pairs for text in pair).words[4:]


def learn_to_answer(
    recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, seen: feature_cache.Seen, encoder: BlipImageEncoder
) -> None:
    """Trains question encoder and answer decoder on the cross-entropy of the answers."""
    net.train()
    stage = Stage(recipe, "answer", recipe.minutes, net, rate=8e-4)
    rng = np.random.default_rng(recipe.seed + stage.step)
    for step, (rows, asked, told) in zip(stage, _batches(seen.scenes, tokenizer, net.config, rng), strict=False):
        squares = seen.batch(rows).to(recipe.device)
        stage.update(net.loss(squares, asked.to(recipe.device), told.to(recipe.device)))
        if step % 2000 == 1999:
            show(recipe, net, tokenizer, encoder, f"answer-{step}")
    stage.finish()
    show(recipe, net, tokenizer, encoder, "answer-last")


def _batches(
    scenes: list[Scene], tokenizer: WordTokenizer, config: AnswererConfig, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, Tensor, Tensor]]:
    while True:
        rows = rng.integers(len(scenes), size=IMAGES)
        pairs = [questions(scenes[row], rng, LANGS) for row in rows for _ in range(EACH)]
        asked = tokenizer.batch([question for question, _ in pairs], config.max_question)
        yield rows, asked, tokenizer.batch([told for _, told in pairs], config.max_answer)


# --- what it can do -------------------------------------------------------------------------------------------------


def show(recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, encoder: BlipImageEncoder, name: str) -> None:
    """Writes questions and answers about held-out scenes, with the share of right answers by what is asked."""
    was = net.training
    net.eval()
    lines, folder = [], recipe.folder / "samples"
    for level in ("easy", "medium", "hard"):
        scenes = [world.sample(level, i, split="test") for i in range(SCENES)]
        squares = _look(recipe, encoder, scenes)
        asked = [(i, question) for i, scene in enumerate(scenes) for question in exam(scene, i)]
        told = _answers(recipe, net, tokenizer, squares[[i for i, _ in asked]], [text for _, text in asked])
        right: dict[str, list[bool]] = {}
        for (i, question), text in zip(asked, told, strict=True):
            about = understand(question) or Question("none")
            right.setdefault(about.about, []).append(answer(scenes[i], question) == text)
        shares = ", ".join(f"{about} {100 * np.mean(marks):.0f}" for about, marks in sorted(right.items()))
        facts = _facts(recipe, net, tokenizer, scenes, squares)
        lines.append(f"# {level}: per cent right: {shares}; facts that are seen when asked for: {facts:.1f} %")
        print(f"{name} {lines[-1]}", flush=True)
        lines += [f"{question} -> {text}" for (_, question), text in list(zip(asked, told, strict=True))[:24]]
    net.train(was)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


def exam(scene: Scene, seed: int) -> list[str]:
    """Returns one question of each sort, if the scene has an answer to it."""
    rng = np.random.default_rng(seed)
    posed = [question for about in ABOUT if (question := pose(scene, about, rng)) is not None]
    return [say(question) for question in posed if answer(scene, say(question)) is not None]


def _facts(recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, scenes: list[Scene], squares: Tensor) -> float:
    """Returns the share of the scenes' facts, in per cent, that the answers to `ask` agree with."""
    asked = [(i, atom) for i, scene in enumerate(scenes) for atom in world.atoms(scene)]
    texts = [ask(scenes[i], atom) for i, atom in asked]
    told = _answers(recipe, net, tokenizer, squares[[i for i, _ in asked]], texts)
    return 100 * float(np.mean([bool(agrees(atom, text)) for (_, atom), text in zip(asked, told, strict=True)]))


def _answers(recipe: Recipe, net: Answerer, tokenizer: WordTokenizer, squares: Tensor, texts: list[str]) -> list[str]:
    told: list[str] = []
    for start in range(0, len(texts), 128):
        part = texts[start : start + 128]
        asked = tokenizer.batch(part, net.config.max_question).to(recipe.device)
        tokens = net.answer(squares[start : start + 128], asked, [0] * len(part))
        told += [tokenizer.decode(row) for row in tokens.tolist()]
    return told


@torch.no_grad()
def _look(recipe: Recipe, encoder: BlipImageEncoder, scenes: list[Scene]) -> Tensor:
    x = torch.from_numpy(data.to_unit(render_array(scenes, list(range(len(scenes))))))
    squares: Tensor = encoder(x.contiguous(memory_format=torch.channels_last).to(recipe.device))
    return squares
