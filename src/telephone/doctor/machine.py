"""The machine: processors, memory, GPUs, folders and disk; without torch, which takes seconds to load."""

import ast
import ctypes
import importlib.util
import os
import platform
import shutil
import tempfile
from pathlib import Path

from telephone.core import settings
from telephone.doctor.finding import Finding

SECTION = "Machine"
MIN_FREE_DISK = 2**30
"""Bytes of free disk below which a long run is likely to end early."""


def check_machine() -> list[Finding]:
    """Returns findings for the system, its devices and the folders of the settings."""
    found = settings.load()
    return [
        Finding(SECTION, "system", "note", f"{platform.platform(terse=True)}, {platform.machine()}"),
        Finding(SECTION, "processors", "note", _processors(found.threads)),
        Finding(SECTION, "memory", "note", _memory()),
        *_graphics(),
        _folder("runs", found.runs_dir, "TELEPHONE_RUNS", needed=True),
        _folder("cache", found.cache_dir, "TELEPHONE_CACHE"),
        _disk(found.runs_dir),
    ]


def size(number: float) -> str:
    """Returns a number of bytes for people, such as `1.5 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _processors(threads: int | None) -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{usable} usable; local models use " + (f"{threads} (TELEPHONE_THREADS)" if threads else "one thread")


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return size(total)
    return f"{size(total)}, {size(free)} free"


def _graphics() -> list[Finding]:
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return [Finding(SECTION, "mps", "ok", "Apple's graphics")]
    names, built = cuda_devices(), torch_cuda()
    if not names:
        return [Finding(SECTION, "cuda", "note", "no device")]
    listed = ", ".join(names)
    if built:
        return [Finding(SECTION, "cuda", "ok", f"{listed}; torch is built for CUDA {built}")]
    listed += "; the installed torch cannot use it"
    return [Finding(SECTION, "cuda", "lacks", listed, "pip install --force-reinstall torch")]


def cuda_devices() -> list[str]:
    """Returns the names of the CUDA devices as the driver gives them; empty without a driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return []
    count, handle, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(100)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return []
    names = []
    for at in range(count.value):
        got = driver.cuDeviceGet(ctypes.byref(handle), at) or driver.cuDeviceGetName(name, len(name), handle)
        names.append(name.value.decode(errors="replace") if got == 0 else f"device {at}")
    return names


def torch_cuda() -> str:
    """Returns the CUDA version that the installed torch is built for, empty if for none; torch is not imported."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return ""
    try:
        tree = ast.parse(Path(spec.origin).with_name("version.py").read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id == "cuda":
                return str(node.value.value or "")
    return ""


def _folder(name: str, path: Path | None, variable: str, *, needed: bool = False) -> Finding:
    """Writes a temporary file into the nearest existing folder, because permissions alone are not enough to know."""
    if path is None:
        return Finding(SECTION, name, "note", f"none, as the user has no home folder; {variable} names one")
    there = _nearest(path)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        fix = f"set {variable} to a folder that you may write to"
        return Finding(SECTION, name, "lacks", f"{path} cannot be written ({error.strerror})", fix, needed)
    detail = f"{path}" if there == path else f"{path} (created when needed)"
    return Finding(SECTION, name, "ok", detail, needed=needed)


def _disk(path: Path) -> Finding:
    try:
        free = shutil.disk_usage(_nearest(path)).free
    except OSError as error:
        return Finding(SECTION, "disk", "note", f"unknown ({error.strerror})")
    if free < MIN_FREE_DISK:
        return Finding(SECTION, "disk", "lacks", f"{size(free)} free", "free some space, or set TELEPHONE_RUNS")
    return Finding(SECTION, "disk", "ok", f"{size(free)} free")


def _nearest(path: Path) -> Path:
    there = path.absolute()
    while not there.is_dir() and there != there.parent:
        there = there.parent
    return path if there == path.absolute() else there
