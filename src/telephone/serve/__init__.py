"""Players at the end of a wire: a server that speaks OpenAI's language, so that a battle can span machines.

Importing this loads no server: FastAPI and uvicorn come in when one is started.
"""

from telephone.serve.access import Terms, token_of
from telephone.serve.served_models import Guest, invite
from telephone.serve.server import Post, serve

__all__ = ["Guest", "Post", "Terms", "invite", "serve", "token_of"]
