"""Which local models are in memory: the one that has waited longest makes room for the next when memory is short."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakValueDictionary

from telephone.models.local.device_placement import DeviceMemory, DevicePlacement, PlacementRequest, memory, offload
from telephone.models.local.safetensors_inspection import WeightFileSummary


class Holder(Protocol):
    """A player that can give its memory back."""

    def unload(self) -> None:
        """Forgets the loaded model; the next call loads it again."""


class Shelf:
    """The players of this process that have a model in memory, least recently used first."""

    def __init__(self) -> None:
        """Starts empty."""
        self._places: OrderedDict[int, DevicePlacement] = OrderedDict()
        self._holders: WeakValueDictionary[int, Holder] = WeakValueDictionary()
        self._busy: set[int] = set()
        self._lock = threading.RLock()

    def room(self, holder: Holder, where: DevicePlacement, weights: WeightFileSummary, wish: PlacementRequest) -> str:
        """Notes that the holder is about to load, after others have made room; returns how much it must offload."""
        with self._lock:
            self._places[id(holder)] = where
            self._holders[id(holder)] = holder
            self._places.move_to_end(id(holder))
            while self._short(where, weights) and self._drop_one(id(holder), where):
                pass
            return offload(wish, where, weights)

    @contextlib.contextmanager
    def using(self, holder: Holder) -> Iterator[None]:
        """Keeps the holder from being unloaded while it computes."""
        with self._lock:
            self._busy.add(id(holder))
            if id(holder) in self._places:
                self._places.move_to_end(id(holder))
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(id(holder))

    def _short(self, where: DevicePlacement, weights: WeightFileSummary) -> bool:
        free = self.look(where.device).free
        size = 4 if where.dtype == "float32" else 2
        return free is not None and weights.numbers * size * 1.2 > free

    def _drop_one(self, keep: int, where: DevicePlacement) -> bool:
        """Unloads the one that has waited longest on this device; tells whether there was one."""
        for key, place in list(self._places.items()):
            if key == keep or key in self._busy or place.device != where.device:
                continue
            del self._places[key]
            holder = self._holders.get(key)
            if holder is not None:
                holder.unload()
                return True
        return False

    def look(self, device: str) -> DeviceMemory:
        """Returns the memory of a device as it is now."""
        return memory(device)


shelf = Shelf()
"""The one of this process."""
