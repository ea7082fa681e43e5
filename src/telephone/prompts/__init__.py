"""Prompts: built-in sets, and files of the user."""

from telephone.prompts.builtin import SETS, PromptSet, get, get_joined, get_prompts
from telephone.prompts.files import load

__all__ = ["SETS", "PromptSet", "get", "get_joined", "get_prompts", "load"]
