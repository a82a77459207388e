"""Settings of the directions probe, as the parts of the search take them."""

from ganlens.probes.base import Probe


class DirectionSettings(Probe):
    """Base of the directions probe: names the settings; ``Directions`` says what they mean.

    Seeds 0 to ``samples`` - 1 are fitted to, the next ``measured`` are moved, and up to nine times
    as many serve the AUCs.
    """

    methods: tuple[str, ...]
    attributes: tuple[str, ...]
    count: int
    samples: int
    extreme: float
    measured: int
    distance: float
    conditional: bool
    probe_images: int
    feature_pool: int
    seed: int
    batch_size: int
