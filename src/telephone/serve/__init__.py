"""Serves models over HTTP with OpenAI's interface, so that a battle can span machines.

Importing this package loads neither FastAPI nor uvicorn; starting a server does.
"""

from telephone._moved import renamed
from telephone.serve.access import AccessPolicy, read_token
from telephone.serve.served_models import ServedModel, load_served_models
from telephone.serve.server import ListenAddress, serve

__getattr__ = renamed(__name__)

__all__ = ["AccessPolicy", "ListenAddress", "ServedModel", "load_served_models", "read_token", "serve"]
