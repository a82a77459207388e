"""What a Subject draws, translates and encodes."""

from collections.abc import Iterable

from torch import Tensor

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.models.base import source_shape
from ganlens.models.prior import Prior, check_seed
from ganlens.subject.conditioned import ConditionedNetworks
from ganlens.subject.inputs import ConditionLike, numbers
from ganlens.subject.sources import check_sources, described, held_out_sources


class Generation(ConditionedNetworks):
    """Latents to images, images to images and images to latents; see ``Subject``."""

    _sources: ImageSet | None = None  # those of the training data, once they are opened

    @property
    def prior(self) -> Prior:
        """The distribution of the latents; asking without a generator is a GanlensError."""
        found: Prior = self.network("generator").prior
        return found

    def latents(self, seeds: Iterable[int]) -> Tensor:
        """Draw one latent per seed: (N, d) float32 on the CPU, whatever the other seeds are."""
        return self.prior.sample(seeds)

    def generate(
        self, z: Tensor, condition: ConditionLike | None = None, *, batch_size: int = 64
    ) -> Tensor:
        """Draw images.

        Args:
            z: (N, d) latents.
            condition: of a conditional generator: words or a row for all images, or
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
        condition: ConditionLike | None = None,
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
        self, seeds: Iterable[int], condition: ConditionLike | None = None, *, batch_size: int = 64
    ) -> Tensor:
        """Draw one image per seed, whatever the model is.

        Of a generator the latent comes from the seed, and so does the condition, as often as the
        training data had it, unless one is given here or by ``with_condition``. Of a translator it
        is source image number ``seed``, translated.

        Returns:
            (N, C, H, W) float32 on the CPU, in [-1, 1].

        Raises:
            GanlensError: neither a generator nor a translator; a seed beyond the last source image;
                or as ``generate`` and ``sources``.
        """
        seeds = list(seeds)
        if condition is None and self.condition is not None and not self.is_conditioned:
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
