"""The language model: LLaMA's numbers, a memory that changes nothing, and a loss that asks only what it should."""

import json
from dataclasses import asdict

import pytest
import torch
from torch.nn import functional as F

from telephone.nets.generation import Decoding, generate
from telephone.nets.language_model import LanguageModel, LanguageModelConfig, angles, rotate
from telephone.nets.layers import KeyValueCache
from telephone.nets.tokenizer import EOS, PAD

CONFIG = LanguageModelConfig(words=tuple("abcdef"), width=16, layers=2, heads=2, hidden=24, max_tokens=20)
TOKENS = torch.randint(1, 14, (3, 7), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = LanguageModel(CONFIG).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return model


def as_llama(model):
    """Returns the same weights in the library's Llama."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    theirs = LlamaForCausalLM(LlamaConfig(vocab_size=14, rms_norm_eps=1e-6, tie_word_embeddings=True, **sizes))
    state = {"model.embed_tokens.weight": model.token.weight, "model.norm.weight": model.norm.weight}
    state["lm_head.weight"] = model.token.weight
    names = {
        "self_attn.q_proj": "query", "self_attn.k_proj": "key", "self_attn.v_proj": "value", "self_attn.o_proj": "out",
        "mlp.gate_proj": "mlp.gate", "mlp.up_proj": "mlp.up", "mlp.down_proj": "mlp.down",
        "input_layernorm": "norm1", "post_attention_layernorm": "norm2",
    }  # fmt: skip
    for index, block in enumerate(model.blocks):
        parts = {f"model.layers.{index}.{k}.weight": block.get_submodule(v).weight for k, v in names.items()}
        state |= parts
    theirs.load_state_dict(state)
    return theirs.eval()


def test_its_numbers_are_those_of_llama(model):
    with torch.no_grad():
        assert torch.allclose(model(model.embed(TOKENS)), as_llama(model)(TOKENS).logits, atol=1e-5)


def test_nothing_later_is_seen(model):
    changed = TOKENS.clone()
    changed[:, -1] = (changed[:, -1] + 1) % 14
    before, after = model(model.embed(TOKENS)), model(model.embed(changed))
    assert torch.allclose(before[:, :-1], after[:, :-1], atol=1e-6)
    assert not torch.allclose(before[:, -1], after[:, -1])


@pytest.mark.parametrize("cuts", [(7,), (1,) * 7, (3, 4), (4, 1, 2)])
def test_a_text_read_in_parts_is_the_same_text(model, cuts):
    pasts = [KeyValueCache() for _ in model.blocks]
    with torch.no_grad():
        parts = [model(model.embed(part), pasts) for part in TOKENS.split(list(cuts), dim=1)]
        assert torch.allclose(torch.cat(parts, 1), model(model.embed(TOKENS)), atol=1e-5)


def test_only_relative_positions_count():
    x = torch.randn(1, 2, 2, 8, generator=torch.Generator().manual_seed(0))
    near, far = (rotate(x, angles(start, 2, 8, x)) for start in (0, 50))
    assert torch.allclose(near[:, :, 0] @ near[:, :, 1].mT, far[:, :, 0] @ far[:, :, 1].mT, atol=1e-4)


def test_the_loss_asks_what_is_not_padded(model):
    targets = TOKENS.clone()
    targets[:, :4] = PAD
    x = model.embed(TOKENS)
    right = F.cross_entropy(model(x)[:, 4:].flatten(0, 1), targets[:, 4:].flatten())
    assert torch.allclose(model.loss(x, targets), right, atol=1e-6)


def test_writing_is_what_reading_anew_would_choose(model):
    with torch.no_grad():
        prompt = model.embed(TOKENS)
        for row, written in enumerate(model.generate(prompt, [0, 0, 0], Decoding(limit=6)).tolist()):
            text = prompt[row : row + 1]
            for word in written:
                assert int(model(text)[0, -1].argmax()) == word
                text = torch.cat([text, model.embed(torch.tensor([[word]]))], 1)
                if word == EOS:
                    break


@pytest.mark.parametrize(
    "how", [Decoding(9), Decoding(9, temperature=1.0), Decoding(9, beams=3), Decoding(9, no_repeat=2)]
)
def test_an_answer_does_not_depend_on_its_batch(model, how):
    together = model.generate(model.embed(TOKENS), [5, 6, 7], how)
    for row, seed in enumerate((5, 6, 7)):
        alone = model.generate(model.embed(TOKENS[row : row + 1]), [seed], how)[0].tolist()
        assert together[row].tolist()[: len(alone)] == alone


def test_an_exchange_never_grows_over_its_limit(model):
    texts = model.generate(model.embed(TOKENS[:1]).expand(30, -1, -1), range(30), Decoding(limit=50, temperature=1.0))
    assert texts.shape == (30, CONFIG.max_tokens - TOKENS.shape[1])


class Forgetful:
    """A writer that reads everything anew at each step."""

    def __init__(self, model, prompt):
        self.model, self.text = model, prompt

    def __call__(self, token, position):
        if position:
            self.text = torch.cat([self.text, self.model.embed(token[:, None])], 1)
        return self.model(self.text)[:, -1]

    def reorder(self, rows):
        self.text = self.text[rows]


def test_beams_keep_their_own_memories(model):
    how = Decoding(limit=8, beams=4, length_penalty=0.5)
    prompt = model.embed(TOKENS)
    assert torch.equal(model.generate(prompt, [0, 0, 0], how), generate(Forgetful(model, prompt), [0, 0, 0], how))


def test_the_config_survives_json():
    assert LanguageModelConfig.from_dict(json.loads(json.dumps(asdict(CONFIG)))) == CONFIG
