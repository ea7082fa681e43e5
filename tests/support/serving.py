"""The package's own server in this process (a thread) or in another one; its players are the real ones."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from telephone.serve import AccessPolicy, ListenAddress, ServedModel, load_served_models
from telephone.serve.connections import LimitedServer
from telephone.serve.server import _listen, base_url, server_config


@contextlib.contextmanager
def serving(refs: Sequence[str] | Mapping[str, ServedModel], policy: AccessPolicy | None = None) -> Iterator[str]:
    """Serves players from a thread; gives the base address."""
    served = refs if isinstance(refs, Mapping) else load_served_models(refs)
    listen = ListenAddress(port=0)
    with _listen(listen) as taken:
        server = LimitedServer(server_config(served, policy or AccessPolicy(), log_level="error"), lambda: None)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            until(lambda: server.started)
            yield base_url(listen.host, taken)
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def process(*words: str, **env: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Runs `telephone serve …` as a program; gives the process and the base address that it prints."""
    code = "from telephone.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "serve", *words, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    ) as running:
        assert running.stdout is not None
        try:
            yield running, running.stdout.readline().strip()
        finally:
            if running.poll() is None:
                running.terminate()
            running.communicate(timeout=60)


def until(holds, seconds: float = 60.0) -> None:
    """Waits for something to be true."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def token_file(folder: Path, token: str, mode: int = 0o600) -> Path:
    """Writes a token."""
    path = folder / "token"
    path.write_text(token + "\n")
    path.chmod(mode)
    return path
