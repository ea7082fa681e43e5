"""Players at the end of a wire: a server that speaks OpenAI's language, so that a battle can span machines.

Importing this loads no server: FastAPI and uvicorn come in when one is started.
"""

from telephone.serve.guests import Guest, invite
from telephone.serve.running import Post, serve
from telephone.serve.terms import Terms, token_of

__all__ = ["Guest", "Post", "Terms", "invite", "serve", "token_of"]
