"""`PocketNet`: the declaration of one net; provider, weight files, recipes and roster are derived from it."""

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telephone.core.errors import WeightsError
from telephone.models.base import ImageEditor, Model, ModelKind
from telephone.models.pocket import weights
from telephone.models.provider import Catalogue, Entry, Parser
from telephone.models.runtime import load_net


@dataclass(frozen=True)
class PocketNet:
    """One net: its classes, weight files, recipe and, if it is offered under an address, its model.

    Classes of `telephone.nets` and recipes are given as text, `module:Class`, and imported on first use, so that a
    list of models loads no torch.
    """

    name: str
    """Its name in the address (`pocket/<name>`) and in `telephone learn <name>`."""
    summary: str
    """A short description without a full stop."""
    net: str = ""
    """The `nn.Module`, such as `telephone.nets.blip:Blip`; empty if the model has no net of its own."""
    config: str = ""
    """The dataclass that the net is built from, such as `telephone.nets.blip:BlipConfig`."""
    recipe: str = ""
    """The module whose `main` trains it, such as `telephone.train.blip`."""
    files: tuple[str, ...] = ()
    """Weight files without their extension; all are loaded into the net, and the first holds the config."""
    base: "PocketNet | None" = None
    """A net whose class, config and weights are loaded first; the own files replace a part of the weights."""
    uses: tuple["PocketNet", ...] = ()
    """Other nets that the model calls; their weight files are part of its fingerprint."""
    kind: ModelKind | None = None
    """The kind of model, None for a net that is only a part of others."""
    model: Callable[..., Model] | None = None
    """The model class, called with the options as keywords."""
    options: Mapping[str, Parser] = field(default_factory=dict)
    """Options of the address by name."""
    editor: Callable[..., ImageEditor] | None = None
    """The class of the image editor at the same address, None if the net edits nothing."""
    editor_options: Mapping[str, Parser] = field(default_factory=dict)
    """Options of the editor by name."""
    roster: str = ""
    """The note in the roster `pocket`; empty if the model is not a member."""

    def locate(self) -> dict[Path, str]:
        """Returns the paths of the net's weight files in loading order, with their sha256.

        Raises:
            WeightsError: a file is missing, or its hash differs from the index.
        """
        own = dict(weights.find(name, self.name) for name in self.files)
        return own if self.base is None else self.base.locate() | own

    def locate_all(self) -> dict[Path, str]:
        """Returns the weight files of the net and of all nets it uses; raises as `locate` does."""
        found = self.locate()
        for other in self.uses:
            found |= other.locate()
        return found

    def lacks(self) -> str:
        """Returns why the weights cannot be used, in one sentence; empty if they can.

        Shipped weights are hashed. Weights of one's own are loaded, since there is no hash to compare them with.
        """
        return weights.lacking(self._check_all)

    def _check_all(self) -> None:
        self.locate_all()
        for each in (self, *self.uses):
            if each.net or each.base:
                each.check_own()

    def check_own(self) -> None:
        """Loads the net if one of its weight files is the user's own and the net takes nothing but its config.

        Raises:
            WeightsError: the weights do not fit the net, or are not finite.
        """
        files = self.files + (self.base.files if self.base else ())
        if all(weights.own_file(name) is None for name in files):
            return
        net = import_name(self.base.net if self.base else self.net)
        required = [one for one in inspect.signature(net).parameters.values() if one.default is one.empty]
        if len(required) == 1:
            self.load()

    def read_config(self) -> Any:
        """Returns the config that the first weight file holds; raises `WeightsError` if the file is missing."""
        if self.base is not None:
            return self.base.read_config()
        config = import_name(self.config)
        plain = self._metadata()[0]
        try:
            return config.from_dict(plain) if hasattr(config, "from_dict") else config(**plain)
        except Exception as error:  # noqa: BLE001 - the values of a damaged file lead into errors of any type
            raise weights.damaged(self._config_file(), f"its config: {error}") from error

    def notes(self) -> dict[str, Any]:
        """Returns what the recipe has noted in the first weight file, such as the hashes of the nets it read."""
        return self._metadata()[1]

    def load(self, *arguments: Any) -> Any:
        """Returns the net with its weights, in evaluation mode.

        Args:
            *arguments: what the net's class takes after the config.

        Raises:
            WeightsError: a file is missing, has another hash, or holds weights of another shape.
        """
        net = import_name(self.net if self.base is None else self.base.net)
        config = self.read_config()
        try:
            made = net(config, *arguments)
        except Exception as error:  # noqa: BLE001 - the values of a damaged file lead into errors of any type
            raise weights.damaged(self._config_file(), f"its config: {error}") from error
        return load_net(list(self.locate()), made)

    def check_reads(self, ignore: Iterable[str] = ()) -> None:
        """Checks that the net was trained with the weights of the nets it is used with.

        Args:
            ignore: names of weight files that need not be the same.

        Raises:
            WeightsError: it was trained with others.
        """
        hashes = {path.stem: (path, sha) for path, sha in self.locate_all().items()}
        for name, sha in self.notes().get("reads", {}).items():
            if name not in ignore and hashes[name][1] != sha:
                raise self.mismatch(hashes[name][0])

    def mismatch(self, other: Path) -> WeightsError:
        """Returns the error for weights that were trained with another file than `other`."""
        return WeightsError(
            f"The weights at {next(iter(self.locate()))} were trained with another file than {other}: train them again"
            f" with `telephone learn {self.name}`, or remove them from the folder of TELEPHONE_WEIGHTS."
        )

    def _metadata(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from telephone.nets.checkpoint import read_metadata

        path = self._config_file()
        try:
            return read_metadata(path)
        except KeyError:
            raise weights.damaged(path, "it holds no config") from None
        except Exception as error:  # noqa: BLE001 - the library raises a type of its own for a damaged file
            raise weights.damaged(path, error) from error

    def _config_file(self) -> Path:
        return weights.find(self.files[0], self.name)[0]


def import_name(name: str) -> Any:
    """Returns what `module:name` refers to."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def provider_of(name: str, nets: Iterable[PocketNet]) -> Catalogue:
    """Returns the provider of the nets that are models.

    Args:
        name: the part of the addresses before the slash.
        nets: declarations, in the order of the list of models.
    """
    return Catalogue(
        name,
        {
            net.name: Entry(
                net.kind, net.summary, net.model, net.options, editor=net.editor, editor_options=net.editor_options
            )  # fmt: skip
            for net in nets
            if net.kind is not None and net.model is not None
        },
    )
