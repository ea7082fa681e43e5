"""Weights of the pocket models of AI Telephone: safetensors files and `index.json`; no code."""
