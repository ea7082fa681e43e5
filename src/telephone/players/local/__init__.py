"""Players of models on this machine: any that diffusers draws with, or that transformers describes or embeds with."""

__all__: list[str] = []
