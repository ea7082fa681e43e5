"""Where games start: the sets that come with the package, and files of the user's own."""

from telephone.prompts.builtin import SETS, PromptSet, get, get_prompts
from telephone.prompts.files import load

__all__ = ["SETS", "PromptSet", "get", "get_prompts", "load"]
