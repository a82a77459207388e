"""The Subject itself: a model as probes take it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganlens.activations import capture
from ganlens.calibration import calibrate
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior
from ganlens.subject.generation import Generation
from ganlens.subject.inputs import ConditionLike
from ganlens.subject.modules import wrapped
from ganlens.subject.running import batched, is_conditional, pieces, pool_maps
from ganlens.subject.untrained import CALIBRATION, fresh


class Subject(Generation):
    """Networks by name, each with a role, in eval mode on one device.

    Args:
        networks: by name; of a network with a moving average, that one.
        provenance: JSON-able: checkpoint, hash, family, arguments, step, data, weights, versions.
        device: where to compute.
        roles: name -> one of ROLES; a network that is called like a role plays it.
        condition: kind and words of the conditions; None for networks without.

    Attributes:
        name: what to call it.
        networks: see above.
        roles: see above.
        condition: None for networks without.
        default_condition: the (k,) row that holds where none is given.
        image_shape: (C, H, W) of what it draws, or else of what it takes.
        device: where the networks are.
        provenance: see above.
    """

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

    @property
    def title(self) -> str:
        """What a caption calls it: its name, and the condition and pictures that it was given."""
        known, said = self.provenance, ""
        if self.is_conditioned:
            said += f", condition {known['condition']}"
        if "sources" in known:
            said += f", given {known['sources']['spec']}"
        return f"{self.name}{said}"

    def discriminate(
        self, x: Tensor, condition: ConditionLike | None = None, *, batch_size: int = 64
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
        name = "encoder" if self.discriminator is None and self.encoder else "discriminator"
        network = self.network(name)
        x = self._fitting(x, network.image_shape)
        wanted = [layers] if isinstance(layers, str) else layers
        names = list(network.feature_layers if layers == "all" else wanted)
        if not names:
            raise GanlensError(
                f"{self.name} has a {name} without layers for features: name some, or choose"
                " another checkpoint"
            )

        def pooled(batch: Tensor, *rows: Tensor) -> Tensor:
            with capture(network, names) as found:
                network(batch, *rows)
            return torch.cat([pool_maps(found[name], pool) for name in names], dim=1)

        rows = self._condition(network, None, len(x))
        return batched(pooled, x, rows, batch_size, self.device, None, self.name)

    def untrained(
        self, seed: int = 0, images: Tensor | None = None, *, calibrated: bool = True
    ) -> "Subject":
        """Return the same networks as they were before any training: the control of every claim.

        Args:
            seed: of the initialisation.
            images: (N, C, H, W) real images on which batch norms of networks that take images are
                calibrated; by default 1,024 of the untrained model's own. The generator's comes
                from 1,024 latents.
            calibrated: False leaves batch norm as built, for claims about weights alone: most of
                the time goes into the calibration.

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
            rows = None
            if self.condition is not None and is_conditional(self.generator):
                rows = self.condition.sample(range(CALIBRATION))
            drawn = calibrate(self.generator, pieces(z, rows, 256, self.device))
            images = self.generate(z, rows) if images is None else images
        for name, network in self.networks.items():
            if self.roles[name] != "generator" and images is not None:
                rows = self._condition(network, None, len(images))
                parts = pieces(images, rows, 256, self.device)
                used = max(used, calibrate(network, (p for p in parts if len(p[0]) > 1)))
        self.provenance["calibration"] = {"latents": drawn, "images": used}
