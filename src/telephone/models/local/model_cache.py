"""Models in memory, least recently used first; the oldest is unloaded when memory is short."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakValueDictionary

from telephone.models.local.device_placement import DeviceMemory, DevicePlacement, PlacementRequest, memory, offload
from telephone.models.local.safetensors_inspection import WeightFileSummary


class Unloadable(Protocol):
    """A model that can release its memory."""

    def unload(self) -> None:
        """Releases the weights; the next call loads them again."""


class LoadedModels:
    """The loaded models of this process."""

    def __init__(self) -> None:
        """Starts empty."""
        self._placements: OrderedDict[int, DevicePlacement] = OrderedDict()
        self._models: WeakValueDictionary[int, Unloadable] = WeakValueDictionary()
        self._busy: set[int] = set()
        self._lock = threading.RLock()

    def reserve(
        self, model: Unloadable, placement: DevicePlacement, weights: WeightFileSummary, requested: PlacementRequest
    ) -> str:
        """Unloads other models until this one fits, registers it, and returns its offload mode."""
        with self._lock:
            self._placements[id(model)] = placement
            self._models[id(model)] = model
            self._placements.move_to_end(id(model))
            while self._lacks_memory(placement, weights) and self._unload_oldest(id(model), placement):
                pass
            return offload(requested, placement, weights)

    @contextlib.contextmanager
    def in_use(self, model: Unloadable) -> Iterator[None]:
        """Keeps a model from being unloaded while it computes."""
        with self._lock:
            self._busy.add(id(model))
            if id(model) in self._placements:
                self._placements.move_to_end(id(model))
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(id(model))

    def _lacks_memory(self, placement: DevicePlacement, weights: WeightFileSummary) -> bool:
        free = self.memory_of(placement.device).free
        size = 4 if placement.dtype == "float32" else 2
        return free is not None and weights.numbers * size * 1.2 > free

    def _unload_oldest(self, keep: int, placement: DevicePlacement) -> bool:
        """Unloads the least recently used model of this device; returns whether there was one."""
        for key, place in list(self._placements.items()):
            if key == keep or key in self._busy or place.device != placement.device:
                continue
            del self._placements[key]
            model = self._models.get(key)
            if model is not None:
                model.unload()
                return True
        return False

    def memory_of(self, device: str) -> DeviceMemory:
        """Returns the current memory of a device."""
        return memory(device)


loaded_models = LoadedModels()
"""The instance of this process."""
