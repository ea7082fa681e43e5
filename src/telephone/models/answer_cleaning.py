"""Removes the reasoning and the chat markers that a language model, or its server, leaves in an answer."""

import re

from telephone.core.errors import ModelError

_TAGS = (
    (r"<(?:think|thinking|thought|reasoning)>", r"</(?:think|thinking|thought|reasoning)>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|channel\|>analysis<\|message\|>", r"<\|channel\|>final<\|message\|>"),
)
"""The marks at the start and at the end of the reasoning, as the chat templates of several families write them."""
_START = re.compile(rf"\s*(?:{'|'.join(start for start, _ in _TAGS)})", re.IGNORECASE)
_END = re.compile("|".join(end for _, end in _TAGS), re.IGNORECASE)
_END_OF_TURN = re.compile(
    r"<\|(?:im_end|eot_id|end|endoftext|end_of_text|eom_id|return|user|end_of_turn)\|>"
    r"|</s>|<end_of_turn>|<eos>|<end_of_utterance>|<｜end▁of▁sentence｜>|\[INST\]|\n#*\s*(?:USER|Human):"
)
"""Marks of the end of an answer; what follows is a further turn that the model has made up."""
_MARKER = re.compile(
    r"<\|im_start\|>(?:assistant|user|system)?\n?|<\|start_header_id\|>\w+<\|end_header_id\|>"
    r"|<\|start\|>assistant|<\|channel\|>\w+<\|message\|>|<\|(?:assistant|start|message|begin_of_text)\|>"
    r"|<\|(?:begin_of_box|end_of_box|begin_of_solution|end_of_solution)\|>"
    r"|<s>|<bos>|<pad>|<\|pad\|>|</?answer>|<start_of_turn>(?:model|assistant)?\n?|\[/INST\]|<image>|<\|image\|>"
)
_LEADING = re.compile(rf"\s*(?:(?:{_MARKER.pattern}|{_END_OF_TURN.pattern})\s*)*")
_REPEATED_PROMPT = re.compile(
    r"\s*#*\s*(?:(?:USER|Human):.*?(?:ASSISTANT|Assistant):|ASSISTANT:|(?:<s>)?\s*\[INST\].*?\[/INST\])", re.DOTALL
)


def clean_answer(text: str) -> str:
    """Returns an answer without the reasoning before it, without chat markers and without a repeated prompt.

    Reasoning is recognised at the start of an answer only; where the template of the chat has opened it, the answer
    holds the closing mark alone. A text without such marks is returned as it is.

    Args:
        text: the decoded output of a model.

    Raises:
        ModelError: the reasoning has no end, so that there is no answer.
    """
    text = _without_reasoning(text)
    text = _REPEATED_PROMPT.sub("", text, count=1) if _REPEATED_PROMPT.match(text) else text
    if (leading := _LEADING.match(text)) and leading[0].strip():
        text = text[leading.end() :]
    end = _END_OF_TURN.search(text)
    return _MARKER.sub("", text[: end.start()] if end else text)


def _without_reasoning(text: str) -> str:
    end = 0
    for found in _END.finditer(text):
        end = found.end()
    if end:
        return text[end:]
    if _START.match(text) or _START.match(_MARKER.sub("", text[:200])):
        raise ModelError("The model reached its limit of tokens while it was reasoning: raise max_tokens=.")
    return text
