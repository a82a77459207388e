"""The Subject itself: what it draws, translates and encodes, how it scores, what it sees."""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.activations import capture
from ganlens.calibration import calibrate
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.models.conditions import Condition
from ganlens.models.prior import Prior, check_seed
from ganlens.subject.inputs import Told, condition_rows, numbers
from ganlens.subject.modules import wrapped
from ganlens.subject.networks import NetworksByRole
from ganlens.subject.running import (
    Shape,
    batched,
    filled,
    is_told,
    pieces,
    pool_maps,
    telling,
)
from ganlens.subject.sources import (
    check_sources,
    described,
    held_out_sources,
    source_shape,
)
from ganlens.subject.untrained import CALIBRATION, fresh


class Subject(NetworksByRole):
    """Networks by name, each with a role, in eval mode on one device.

    Args:
        networks: by name; of a network with a moving average, the one that is looked at.
        provenance: JSON-able: checkpoint, hash, family, arguments, step, data, weights, versions.
        device: where to compute.
        roles: name -> one of ROLES; a network that is called like a role plays it.
        condition: what conditional networks are told.

    Attributes:
        name: what to call it.
        networks: see above.
        roles: see above.
        condition: None for networks that are told nothing.
        default_condition: the (k,) row that is told where nothing is said.
        image_shape: (C, H, W) of what it draws, or else of what it takes.
        device: where the networks are.
        provenance: see above.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module | None],
        provenance: dict[str, Any],
        device: torch.device | str = "cpu",
        *,
        roles: Mapping[str, str] | None = None,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(networks, provenance["checkpoint"], device, roles)
        self.condition = condition
        self.default_condition = None if condition is None else condition.usual
        self.provenance = provenance
        self._sources: ImageSet | None = None

    @classmethod
    def from_modules(
        cls,
        generator: nn.Module | None,
        discriminator: nn.Module | None = None,
        prior: Prior | str = "normal",
        output_range: Sequence[float] = (-1.0, 1.0),
        *,
        latent_dim: int | None = None,
        image_shape: Sequence[int] | None = None,
        classes: int | None = None,
        label: int = 0,
        encoder: nn.Module | None = None,
        name: str = "modules",
        device: torch.device | str = "cpu",
    ) -> "Subject":
        """Probe any torch modules, as they are; they are copied, so that training may go on.

        Args:
            generator: maps (N, d) or (N, d, 1, 1) latents, and (N,) labels (or one-hot rows) if
                there are classes, to (N, C, H, W) images of 1 to 4 channels. Or a translator,
                which maps images of ``image_shape`` to images: running it tells. Or None.
            discriminator: maps such images, in ``output_range``, to one or several logits each.
            prior: "normal", "uniform", or a Prior, which knows the latents' width too.
            output_range: what black and white are for these modules: (-1, 1), or (0, 1).
            latent_dim: coordinates of a latent; by default what the first layer takes.
            image_shape: (C, H, W), needed by a translator, and by a discriminator or an encoder
                without a generator.
            classes: number of labels of a class-conditional generator or translator.
            label: the class that is drawn where none is named.
            encoder: maps such images to (N, d) latents, or to their (mean, log variance).
            name: what to call them.
            device: where to compute.

        Raises:
            GanlensError: the modules do not fit this, with what was tried.
        """
        networks, condition = wrapped(
            generator, discriminator, encoder, prior, output_range, latent_dim, image_shape,
            classes, label,
        )  # fmt: skip
        known = {"checkpoint": name, "hash": None}
        return cls(networks, known, device, condition=condition)

    def bound(self, name: str) -> Any:
        """Return a network, by its name or role, that takes its one input alone.

        A conditional one is told ``default_condition``; its layers are the network's own, for hooks
        and edits. Any other network is returned as it is.

        Raises:
            GanlensError: as ``network``.
        """
        network = self.network(name)
        if self.default_condition is None or not is_told(network):
            return network
        return telling(network, self.default_condition)

    @property
    def prior(self) -> Prior:
        """The distribution of the latents; asking without a generator is a GanlensError."""
        found: Prior = self.network("generator").prior
        return found

    def latents(self, seeds: Iterable[int]) -> Tensor:
        """Draw one latent per seed: (N, d) float32 on the CPU, whatever the other seeds are."""
        return self.prior.sample(seeds)

    def told(self, condition: Told) -> "Subject":
        """Return the same networks, which are told this where nothing else is said.

        Raises:
            GanlensError: as ``generate``.
        """
        row = condition_rows(condition, 1, self.condition, self.default_condition, self.name)
        assert row is not None
        assert self.condition is not None
        other = copy(self)
        other.default_condition = row[0]
        words = self.condition.name(row[0])
        other.provenance = {**self.provenance, "condition": words}
        return other

    def generate(self, z: Tensor, condition: Told | None = None, *, batch_size: int = 64) -> Tensor:
        """Draw images.

        Args:
            z: (N, d) latents.
            condition: what a conditional generator is told: words or a row for all images, or
                words, (N,) labels or (N, k) rows for each; by default ``default_condition``.
            batch_size: how many at a time; it does not change the images.

        Returns:
            (N, C, H, W) float32 on the CPU, in [-1, 1].

        Raises:
            GanlensError: latents of another width than the prior's, NaN in them or in the images;
                or a condition that the model does not know.
        """
        z = numbers(z, "latents")
        if z.ndim != 2 or z.shape[1] != self.prior.dim:
            raise GanlensError(
                f"latents of shape {tuple(z.shape)} do not fit {self.name}:"
                f" give (N, {self.prior.dim})"
            )
        return self._run("generator", z, condition, batch_size, self.image_shape)

    def translate(
        self,
        x: Tensor,
        condition: Told | None = None,
        *,
        network: str = "translator",
        batch_size: int = 64,
    ) -> Tensor:
        """Translate images.

        Args:
            x: (N, C, H, W) images in [-1, 1].
            condition: as for ``generate``: what they shall become.
            network: name of the translator, where there are several; by default the first.
            batch_size: how many at a time.

        Returns:
            (N, C, H, W) float32 on the CPU, in [-1, 1].

        Raises:
            GanlensError: no translator, images of another shape, or an unknown condition.
        """
        translator = self.network(network)
        x = self._fitting(x, source_shape(translator))
        return self._run(network, x, condition, batch_size, tuple(translator.image_shape))

    def encode(self, x: Tensor, *, batch_size: int = 64) -> Tensor:
        """Return the (N, d) float32 latents that the encoder reads off images in [-1, 1].

        Raises:
            GanlensError: no encoder, or images of another shape.
        """
        encoder = self.network("encoder")
        x = self._fitting(x, encoder.image_shape)
        return self._run("encoder", x, None, batch_size, None)

    def sample(
        self, seeds: Iterable[int], condition: Told | None = None, *, batch_size: int = 64
    ) -> Tensor:
        """Draw one image per seed, whatever the model is.

        Of a generator the latent comes from the seed, and so does the condition, as often as the
        training data had it, unless one is given here or by ``told``. Of a translator it is source
        image number ``seed``, translated.

        Returns:
            (N, C, H, W) float32 on the CPU, in [-1, 1].

        Raises:
            GanlensError: neither a generator nor a translator; a seed beyond the last source image;
                or as ``generate`` and ``sources``.
        """
        seeds = list(seeds)
        if condition is None and self.condition is not None and not self.is_told:
            condition = self.condition.sample(seeds)
        if self.generator is not None:
            return self.generate(self.latents(seeds), condition, batch_size=batch_size)
        rows = [check_seed(seed) for seed in seeds]
        if rows and max(rows) >= len(self.sources):
            raise GanlensError(
                f"seed {max(rows)} is out of range: {self.name} has {len(self.sources):,} source"
                f" images, give 0 to {len(self.sources) - 1}"
            )
        return self.translate(self.sources.batch(rows), condition, batch_size=batch_size)

    @property
    def is_told(self) -> bool:
        """Whether one condition holds where nothing else is said; see ``told``."""
        return "condition" in self.provenance

    @property
    def samples_at_most(self) -> int | None:
        """How many different images ``sample`` can give; None where latents never end."""
        return None if self.generator is not None else len(self.sources)

    @property
    def sources(self) -> ImageSet:
        """The images that ``sample`` translates: by default the held-out ones of the training data.

        Raises:
            GanlensError: no translator, or data that are not there any more; set them then.
        """
        if self._sources is None:
            shape = source_shape(self.network("translator"))
            (name, *_) = self.names("translator")
            self._sources = held_out_sources(self.provenance, name, shape)
        return self._sources

    @sources.setter
    def sources(self, images: ImageSet) -> None:
        """Translate these from now on; the provenance says so, and so does every result."""
        check_sources(images, source_shape(self.network("translator")), self.name)
        self._sources = images
        self.provenance = {**self.provenance, "sources": described(images)}

    @property
    def title(self) -> str:
        """What a caption calls it: its name, and what it was told or given where that was said."""
        known, said = self.provenance, ""
        if self.is_told:
            said += f", told {known['condition']}"
        if "sources" in known:
            said += f", given {known['sources']['spec']}"
        return f"{self.name}{said}"

    def discriminate(
        self, x: Tensor, condition: Told | None = None, *, batch_size: int = 64
    ) -> Tensor:
        """Score images in [-1, 1]: (N,) float32 on the CPU, high for real.

        Of a discriminator that scores patches it is the mean.

        Raises:
            GanlensError: there is no discriminator, or the images have another shape than its own,
                or hold bytes or NaN; or as ``generate``.
        """
        x = self._fitting(x, self.network("discriminator").image_shape)
        found = self._run("discriminator", x, condition, batch_size, ())
        return found.flatten(1).mean(1) if found.ndim > 1 else found

    def features(
        self,
        x: Tensor,
        layers: str | Sequence[str] = "all",
        pool: int | None = 4,
        *,
        batch_size: int = 64,
    ) -> Tensor:
        """Activations of the discriminator, or else the encoder, as feature vectors.

        The features of Radford 2015, section 5.1.

        Args:
            x: (N, C, H, W) images in [-1, 1].
            layers: "all" (every convolution block, in order), one name or several.
            pool: each map is max-pooled to a pool x pool grid; None keeps it whole.
            batch_size: how many at a time.

        Returns:
            (N, D) float32 on the CPU: layers one after another, each flattened.

        Raises:
            GanlensError: neither of them, images of another shape, a pool below 1, or an unknown
                layer.
        """
        if pool is not None and pool < 1:
            raise GanlensError(f"pool {pool} is too small: give at least 1, or None for whole maps")
        seeing = "encoder" if self.discriminator is None and self.encoder else "discriminator"
        network = self.network(seeing)
        x = self._fitting(x, network.image_shape)
        wanted = [layers] if isinstance(layers, str) else layers
        names = list(network.feature_layers if layers == "all" else wanted)
        if not names:
            raise GanlensError(
                f"{self.name} has a {seeing} without layers to look at: name some, or choose"
                " another checkpoint"
            )

        def pooled(batch: Tensor, *told: Tensor) -> Tensor:
            with capture(network, names) as found:
                network(batch, *told)
            return torch.cat([pool_maps(found[name], pool) for name in names], dim=1)

        told = self._condition(network, None, len(x))
        return batched(pooled, x, told, batch_size, self.device, None, self.name)

    def untrained(
        self, seed: int = 0, images: Tensor | None = None, *, calibrated: bool = True
    ) -> "Subject":
        """Return the same networks as they were before any training: the control of every claim.

        Args:
            seed: of the initialisation.
            images: (N, C, H, W) real images on which batch norms of networks that take images are
                calibrated; by default 1,024 of the untrained model's own. The generator's comes
                from 1,024 latents.
            calibrated: False leaves batch norm as built, for who looks at the weights alone: most
                of the time goes into the calibration.

        Raises:
            GanlensError: the family or the arguments are not known, so nothing can be built.
        """
        provenance = {
            **self.provenance,
            "checkpoint": f"{self.name} (untrained)",
            "weights": "untrained",
            "hash": None,
            "step": 0,
            "seed": seed,
            "calibration": {},
        }
        networks = fresh(self.networks, self.provenance, seed)
        control = Subject(
            networks, provenance, self.device, roles=self.roles, condition=self.condition
        )
        control.default_condition = self.default_condition
        control._sources = self._sources
        if calibrated:
            control._calibrate(seed, images)
        return control

    def _calibrate(self, seed: int, images: Tensor | None) -> None:
        drawn = used = 0
        if self.generator is not None:
            z = self.prior.sample_batch(CALIBRATION, seed)
            told = None
            if self.condition is not None and is_told(self.generator):
                told = self.condition.sample(range(CALIBRATION))
            drawn = calibrate(self.generator, pieces(z, told, 256, self.device))
            images = self.generate(z, told) if images is None else images
        for name, network in self.networks.items():
            if self.roles[name] != "generator" and images is not None:
                told = self._condition(network, None, len(images))
                parts = pieces(images, told, 256, self.device)
                used = max(used, calibrate(network, (p for p in parts if len(p[0]) > 1)))
        self.provenance["calibration"] = {"latents": drawn, "images": used}

    def _fitting(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        x = numbers(x, "images")
        if tuple(x.shape[1:]) != tuple(shape):
            raise GanlensError(
                f"images of shape {tuple(x.shape)} do not fit {self.name}: give"
                f" (N, {', '.join(map(str, shape))})"
            )
        return x

    def _condition(self, network: Any, given: Told | None, count: int) -> Tensor | None:
        """Return the rows that a network is told; None for one that is told nothing."""
        usual = self.default_condition if is_told(network) else None
        return condition_rows(given, count, self.condition, usual, self.name)

    def _run(
        self, name: str, x: Tensor, given: Told | None, batch_size: int, empty: Shape | None
    ) -> Tensor:
        network = self.network(name)
        told = self._condition(network, given, len(x))
        whole = self.roles.get(name, name) != "discriminator"
        forward = partial(filled, network) if whole else network
        return batched(forward, x, told, batch_size, self.device, empty, self.name)
