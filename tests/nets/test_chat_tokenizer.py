"""Two languages in one vocabulary: what the world says comes back, and no text can spell a mark."""

from hypothesis import given
from hypothesis import strategies as st

from telephone import world
from telephone.nets.tokenizer import (
    ASSISTANT,
    BOS,
    CHAT,
    EOS,
    HUMAN,
    IMAGE,
    IMAGE_END,
    PAD,
    UNKNOWN,
    ChatTokenizer,
    WordTokenizer,
    split,
    split_chat,
)

SCENES = [world.sample(level, seed) for level in ("easy", "medium", "hard", "impossible") for seed in range(40)]
TEXTS = [world.caption(scene, "zh", wording) for scene in SCENES for wording in world.WORDINGS["zh"]]
TEXTS += [world.caption(scene, "en", wording) for scene in SCENES for wording in ("plain", "detailed", "story")]
TOKENIZER = ChatTokenizer.learn(TEXTS)


@given(st.sampled_from(TEXTS))
def test_every_text_of_the_world_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.answer(text)) == text


@given(st.text())
def test_any_text_is_numbers_and_no_marks(text):
    ids = TOKENIZER.answer(text)
    assert ids[-1] == EOS
    assert all(index == UNKNOWN or index > ASSISTANT for index in ids[:-1])
    assert all(index < len(TOKENIZER) for index in ids)
    TOKENIZER.decode(ids)


@given(st.text(st.characters(max_codepoint=0x2FFF)))
def test_without_chinese_it_splits_as_ever(text):
    assert split_chat(text) == split(text)


def test_every_chinese_character_is_a_piece():
    assert split_chat("画里有two只Cat's尾巴，3个。") == [
        "画", "里", "有", "two", "只", "cat's", "尾", "巴", "，", "3", "个", "。",
    ]  # fmt: skip


def test_an_exchange_stands_between_its_marks():
    ids = [*TOKENIZER.before_image(), *TOKENIZER.after_image("A red <image>?"), *TOKENIZER.answer("Red.")]
    assert ids[:4] == [BOS, HUMAN, IMAGE, IMAGE_END]
    assert ids.count(IMAGE) == ids.count(ASSISTANT) == 1
    assert TOKENIZER.words[IMAGE : ASSISTANT + 1] == CHAT
    assert TOKENIZER.decode(TOKENIZER.answer("Red.")) == "Red."


def test_marks_and_padding_are_not_said():
    word = TOKENIZER.encode("red")[0]
    assert TOKENIZER.decode([BOS, HUMAN, word, ASSISTANT, word, PAD, EOS, word]) == "Red red"


def test_what_is_cut_is_counted():
    assert TOKENIZER.batch(["红色的猫"], limit=5).shape == (1, 5)
    assert TOKENIZER.cut("红色的猫", limit=5) == 1
    assert TOKENIZER.cut("红色的猫", limit=6) == 0


def test_the_older_tokenizer_is_as_it_was():
    assert WordTokenizer.learn(["红色 red"]).words[4:] == ("red", "红色")
