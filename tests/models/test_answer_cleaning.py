"""Reasoning and chat markers are no part of a description; without an end, reasoning is a failure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.core.errors import ModelError
from telephone.models.answer_cleaning import clean_answer

TEXT = "A red square."


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>\nIt is red, or blue.\n</think>\n\n{TEXT}",
        f"It is red, or blue.\n</think>\n{TEXT}",
        f"<think>{'very long ' * 20_000}</think>{TEXT}",
        f"<think>a</think> b <think>c</think>{TEXT}",
        f"<thinking>a</thinking><answer>{TEXT}</answer>",
        f"[THINK]a[/THINK]{TEXT}",
        f"◁think▷a◁/think▷{TEXT}",
        f"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>{TEXT}<|return|>",
        f"<|begin_of_box|>{TEXT}<|end_of_box|>",
        f"{TEXT}<|im_end|>",
        f"{TEXT}</s>",
        f"{TEXT}<|im_end|>\n<|im_start|>user\nAnd now?",
        f"{TEXT}\nUSER: And now?",
        f"<|im_start|>assistant\n{TEXT}",
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{TEXT}<|eot_id|>",
        f"USER: <image>\nDescribe it. ASSISTANT: {TEXT}",
        f"ASSISTANT: {TEXT}</s>",
        f"<s>[INST] Describe it. [/INST] {TEXT}</s>",
        f"{'<s>' * 100_000}{TEXT}",
    ],
)
def test_what_is_left_is_the_description(answer):
    assert clean_answer(answer).strip() == TEXT


@pytest.mark.parametrize("answer", ["<think>It is", "<|im_start|>assistant\n<think>It is", " [THINK] a", "◁think▷"])
def test_reasoning_without_an_end_is_a_failure(answer):
    with pytest.raises(ModelError, match="raise max_tokens="):
        clean_answer(answer)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "A whiteboard with the word <think> on it.",
        "A chat in which USER: asks and ASSISTANT: answers.",
        "A diagram: a < b > c, <b>bold</b>, [1] and a | b.",
        "一个红色的方块。\n\nA second line.",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert clean_answer(text) == text


@given(st.text(alphabet="ab <>|/[]\n红", max_size=60))
def test_a_text_without_marks_is_unchanged(text):
    assert clean_answer(text) == text or any(mark in text for mark in ("</s>", "<s>"))
