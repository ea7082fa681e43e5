"""Where games start: the sets that come with the package, and files of the user's own."""

from telephone.prompts.files import load
from telephone.prompts.sets import SETS, PromptSet, get, get_prompts

__all__ = ["SETS", "PromptSet", "get", "get_prompts", "load"]
