"""Where a local model goes: by memory, by wish, and what happens when memory runs out."""

import pytest

from telephone.core.errors import ModelError, UsageError
from telephone.models.local import device_placement
from telephone.models.local.device_placement import (
    DeviceMemory,
    DevicePlacement,
    PlacementRequest,
    choose_placement,
    device_word,
    in_batches,
    offload,
)
from telephone.models.local.model_cache import LoadedModels
from telephone.models.local.safetensors_inspection import WeightFileSummary

SMALL = WeightFileSummary((), numbers=10**6, largest=10**6, stored="F32")
LARGE = WeightFileSummary((), numbers=10**10, largest=3 * 10**9, stored="BF16")
GPU = DevicePlacement("cuda:0", "float16")


def test_a_processor_computes_in_float32_unless_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(device_placement, "memory", lambda device: DeviceMemory(None, 32 * 10**9))
    assert choose_placement(PlacementRequest(device="cpu"), SMALL) == DevicePlacement("cpu", "float32")
    assert choose_placement(PlacementRequest(device="cpu"), LARGE) == DevicePlacement("cpu", "bfloat16")
    assert choose_placement(PlacementRequest(device="cpu", dtype="float16"), LARGE) == DevicePlacement("cpu", "float16")
    monkeypatch.setattr(device_placement, "memory", lambda device: DeviceMemory(None, None))
    assert choose_placement(PlacementRequest(device="cpu"), LARGE) == DevicePlacement("cpu", "float32")


def test_an_accelerator_takes_the_half_precision_of_the_files(monkeypatch):
    monkeypatch.setattr(device_placement, "_device", lambda wish: "cuda:0")
    monkeypatch.setattr(device_placement, "_half", lambda device: "bfloat16")
    assert choose_placement(PlacementRequest(), LARGE).dtype == "bfloat16"
    assert choose_placement(PlacementRequest(), WeightFileSummary((), stored="F16")).dtype == "float16"
    assert choose_placement(PlacementRequest(), SMALL).dtype == "bfloat16"
    assert choose_placement(PlacementRequest(dtype="float32"), SMALL) == DevicePlacement("cuda:0", "float32")


@pytest.mark.parametrize(
    ("free", "how"), [(10**11, "none"), (24.1e9, "none"), (23.9e9, "model"), (7.3e9, "model"), (7.1e9, "sequential")]
)
def test_what_does_not_fit_on_an_accelerator_is_offloaded(free, how):
    assert offload(PlacementRequest(), GPU, LARGE, DeviceMemory(int(free), 10**11)) == how
    assert offload(PlacementRequest(offload="none"), GPU, LARGE, DeviceMemory(int(free), 10**11)) == "none"


def test_a_processor_offloads_nothing_and_says_what_can_never_fit():
    cpu = DevicePlacement("cpu", "bfloat16")
    assert offload(PlacementRequest(), cpu, LARGE, DeviceMemory(1, 10**11)) == "none"
    with pytest.raises(UsageError, match="needs an accelerator"):
        offload(PlacementRequest(offload="model"), cpu, SMALL, DeviceMemory(1, 10**11))
    with pytest.raises(UsageError, match="need 20 GB in bfloat16, and this machine has 8 GB"):
        offload(PlacementRequest(), cpu, LARGE, DeviceMemory(1, 8 * 10**9))


def test_a_device_that_is_not_there_is_told():
    import torch

    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(UsageError, match=f"There is no {missing} on this machine"):
        choose_placement(PlacementRequest(device=missing), SMALL)
    with pytest.raises(ValueError, match="give auto, cpu"):
        device_word("gpu")
    assert device_word("cuda:3") == "cuda:3"


def greedy(limit):
    """Returns work that really asks for more memory than there is when more than `limit` items come at once."""
    import torch

    sizes = []

    def work(part, size):
        assert len(part) <= size
        sizes.append(len(part))
        if len(part) > limit:
            torch.empty(2**46, dtype=torch.float64)
        return [item * 10 for item in part]

    return work, sizes


def test_batches_are_halved_until_they_fit():
    work, sizes = greedy(2)
    assert in_batches(range(9), 8, work) == ([item * 10 for item in range(9)], 2)
    assert sizes == [8, 4, 2, 2, 2, 2, 1]


def test_when_one_item_does_not_fit_the_player_fails_and_other_errors_are_their_own():
    with pytest.raises(ModelError, match="Out of memory with a single item"):
        in_batches([1, 2], 2, greedy(0)[0])
    with pytest.raises(RuntimeError, match="something else"):
        in_batches([1], 1, lambda part, size: (_ for _ in ()).throw(RuntimeError("something else")))


class Held:
    def __init__(self, loaded_models, name, size):
        self.loaded_models, self.name, self.size = loaded_models, name, size

    def unload(self):
        self.loaded_models.loaded.remove(self.name)

    def load(self):
        how = self.loaded_models.reserve(
            self,
            DevicePlacement("cuda:0", "float16"),
            WeightFileSummary((), numbers=self.size, largest=self.size),
            PlacementRequest(),
        )
        self.loaded_models.loaded.append(self.name)
        return how


class SmallShelf(LoadedModels):
    """A device of 100 bytes, of which each loaded model takes 2.4 a number."""

    def __init__(self, **sizes):
        super().__init__()
        self.loaded, self.sizes = [], sizes

    def memory_of(self, device):
        return DeviceMemory(100 - int(sum(2.4 * self.sizes[name] for name in self.loaded)), 100)


def test_the_one_that_has_waited_longest_makes_room(monkeypatch):
    loaded_models = SmallShelf(a=15, b=15, c=15)
    monkeypatch.setattr(
        "telephone.models.local.device_placement.memory", lambda device: loaded_models.memory_of(device)
    )
    a, b, c = (Held(loaded_models, name, 15) for name in "abc")
    a.load()
    b.load()
    with loaded_models.in_use(a):
        pass
    assert c.load() == "none"
    assert loaded_models.loaded == ["a", "c"]


def test_one_that_computes_keeps_its_place(monkeypatch):
    loaded_models = SmallShelf(a=15, b=40)
    monkeypatch.setattr(
        "telephone.models.local.device_placement.memory", lambda device: loaded_models.memory_of(device)
    )
    a, b = Held(loaded_models, "a", 15), Held(loaded_models, "b", 40)
    a.load()
    with loaded_models.in_use(a):
        assert b.load() == "sequential"
    assert loaded_models.loaded == ["a", "b"]
