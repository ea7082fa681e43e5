"""What holds for every test: one thread, so that runs repeat; no deadline, because a busy machine is no failure."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from hypothesis import settings  # noqa: E402 - after the threads are set

settings.register_profile("telephone", deadline=None, derandomize=True)
settings.load_profile("telephone")
