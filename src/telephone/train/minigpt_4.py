"""Recipe of `pocket/minigpt-4` (Zhu et al. 2023, arXiv 2304.10592), in two stages.

Only one linear layer between BLIP-2's Q-Former and the language model is trained; both are frozen. It starts as
BLIP-2's own, because the language model is the same; the paper's starts from random weights, before another model.

1. `align` (section 3.1): many images with captions of every length.
2. `finetune` (section 3.2): a few hundred detailed captions in the form of a conversation, and as many short and
   Chinese ones, and questions: each image is used once or a few times more.

It needs `blip`, `blip-2` and `language-model`.

    telephone learn minigpt-4 --pictures 24000
"""

from pathlib import Path

import torch

from telephone.nets.blip_2 import Blip2, Blip2Config, answer_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.minigpt_4 import MiniGpt4, MiniGpt4Config
from telephone.train.blip_2 import BATCH, KINDS, FrozenReader, evaluate_reader
from telephone.train.common import feature_cache
from telephone.train.common.feature_cache import ImageFeatures
from telephone.train.common.instruction_data import instruction_batches
from telephone.train.common.instructions import ALL
from telephone.train.common.recipe import Recipe, StagePlan, frozen
from telephone.train.common.stage import Stage

STAGES = {"align": StagePlan(280, 5.6), "finetune": StagePlan(100, 2.4)}
RATES = {"align": 2e-3, "finetune": 5e-4}
CURATED = 1000
"""Images of the second stage, two in five with a detailed caption."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    recipe.start()
    encoder = feature_cache.blip_encoder(recipe)
    reader = FrozenReader(*feature_cache.language_model(recipe), encoder)
    teacher: Blip2 = frozen(recipe, "blip-2", lambda config: Blip2(Blip2Config.from_dict(config)))
    images = feature_cache.blip_features(recipe, encoder, feature_cache.image_set(recipe), recipe.pictures)
    net = MiniGpt4(MiniGpt4Config(teacher.config.qformer.width, reader.model.config.width)).to(recipe.device)
    net.projection.load_state_dict(teacher.projection.state_dict())
    learn(recipe, "align", net, teacher, images, reader)
    curated = ImageFeatures(images.scenes[:CURATED], images.features[:CURATED])
    learn(recipe, "finetune", net, teacher, curated, reader)
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/minigpt-4", "blip", "blip-2", "language-model"))
    return recipe.weights


def learn(
    recipe: Recipe, name: str, net: MiniGpt4, teacher: Blip2, images: ImageFeatures, reader: FrozenReader
) -> None:
    """Trains the linear layer in one of the two stages on the frozen language model's loss."""
    stage = Stage(recipe, STAGES, name, net.train(), RATES[name])
    kinds = KINDS if name == "align" else ALL
    batches = instruction_batches(stage, images.scenes, reader.tokenizer, kinds, BATCH)
    for step, batch in zip(stage, batches, strict=False):
        with torch.no_grad():
            queries, _ = teacher.qformer(images.batch(batch.rows).to(recipe.device))
        tokens, answers = batch.tokens.to(recipe.device), batch.answers.to(recipe.device)
        stage.update(answer_loss(reader.model, net.projection(queries), tokens, answers))
        if step % 1000 == 0:
            evaluate_reader(recipe, lambda patches: net(teacher.qformer, patches), reader, f"{name}-{step}")
    stage.finish()
    evaluate_reader(recipe, lambda patches: net(teacher.qformer, patches), reader, f"{name}-last")
