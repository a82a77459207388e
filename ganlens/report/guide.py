"""How to read each probe: one sentence for a newcomer, and where to read more."""

from dataclasses import dataclass

RADFORD = ("Radford 2015", "https://arxiv.org/abs/1511.06434")


@dataclass(frozen=True)
class Guide:
    """What a newcomer is told beside a probe.

    Attributes:
        reading: one sentence: what a good and what a bad result looks like.
        papers: (name, address) of where the method comes from.
    """

    reading: str
    papers: tuple[tuple[str, str], ...]


GUIDES: dict[str, Guide] = {
    "interpolate": Guide(
        "A network that understood its data draws a plausible picture at every step and changes a "
        "little each time; sharp jumps suggest a list of memorised pictures.",
        (RADFORD, ("Karras 2019", "https://arxiv.org/abs/1812.04948")),
    ),
    "arithmetic": Guide(
        "The middle picture should show what A has and B lacks, on what C is; the row of pixel "
        "sums shows how little that means without a latent space.",
        (RADFORD, ("Mikolov 2013", "https://arxiv.org/abs/1301.3781")),
    ),
    "arithmetic-score": Guide(
        "Compare the success of means of three with that of single exemplars and of random "
        "samples: only what lies clearly above random samples was calculated.",
        (RADFORD,),
    ),
    "turn": Guide(
        "The curve should rise evenly with the amount while all other attributes stay; the dotted "
        "line of random vectors shows what rises by chance.",
        (RADFORD,),
    ),
    "directions": Guide(
        "A good direction changes what it claims in most samples and little else; compare each "
        "report card with those of the random directions.",
        (
            ("Shen 2020", "https://arxiv.org/abs/1907.10786"),
            ("Shen and Zhou 2021", "https://arxiv.org/abs/2007.06600"),
            ("Härkönen 2020", "https://arxiv.org/abs/2004.02546"),
        ),
    ),
    "filters": Guide(
        "Trained filters are smooth edges, blobs and colours; filters that still look like the "
        "noise beside them have learned nothing.",
        (RADFORD, ("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901")),
    ),
    "activations": Guide(
        "Bright places are where a unit answers; a unit that is dark in every picture is dead and "
        "takes part in nothing.",
        (("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),),
    ),
    "top-images": Guide(
        "The patches of a row should have something in common: that is what the unit looks for; "
        "rows of the untrained network show what unity arises without learning.",
        (("Zeiler and Fergus 2013", "https://arxiv.org/abs/1311.2901"),),
    ),
    "guided-backprop": Guide(
        "The pictures of the trained network should show parts of things, those of the random one "
        "only noise that follows the edges of the image.",
        (RADFORD, ("Springenberg 2014", "https://arxiv.org/abs/1412.6806")),
    ),
    "maximize": Guide(
        "Each picture is what excites a unit most, made from noise; compare how far it gets with "
        "the most exciting real image beside it.",
        (
            ("Olah 2017", "https://distill.pub/2017/feature-visualization/"),
            ("Simonyan 2013", "https://arxiv.org/abs/1312.6034"),
        ),
    ),
    "forget": Guide(
        "In the right picture of each pair the concept should be gone and all else unchanged; the "
        "same number of random maps shows how much of that any damage would do.",
        (RADFORD, ("Bau 2019", "https://arxiv.org/abs/1811.10597")),
    ),
    "dissect": Guide(
        "A unit is about a concept if it is on where the concept is and off elsewhere: look for "
        "agreement far above that of the untrained generator.",
        (("Bau 2019", "https://arxiv.org/abs/1811.10597"),),
    ),
    "artifacts": Guide(
        "Peaks at the ringed frequencies, above those of real images, are checkerboards; the table "
        "says in which layer they first appear.",
        (
            ("Odena 2016", "https://distill.pub/2016/deconv-checkerboard/"),
            ("Durall 2020", "https://arxiv.org/abs/2003.01826"),
        ),
    ),
    "health": Guide(
        "Read the column of this checkpoint beside the healthy and the collapsed one: it should "
        "resemble the first.",
        (("Salimans 2016", "https://arxiv.org/abs/1606.03498"),),
    ),
    "fid": Guide(
        "Small is good, but only beside the baseline (what real images score against each other) "
        "and with the same judge, the same N and the same resize.",
        (
            ("Heusel 2017", "https://arxiv.org/abs/1706.08500"),
            ("Naeem 2020", "https://arxiv.org/abs/2002.09797"),
            ("Parmar 2022", "https://arxiv.org/abs/2104.11222"),
        ),
    ),
    "neighbors": Guide(
        "Samples should lie as far from the training images as held-out images do; look at the "
        "worst offenders yourself, side by side.",
        (RADFORD, ("Meehan 2020", "https://arxiv.org/abs/2004.05675"),
         ("Alaa 2022", "https://arxiv.org/abs/2102.08921")),
    ),
    "linear-probe": Guide(
        "The more a straight line can tell apart in the discriminator's features, the more it has "
        "learned; what the untrained network reaches was not learned.",
        (RADFORD, ("Coates and Ng 2011", "https://proceedings.mlr.press/v15/coates11a.html")),
    ),
    "invert": Guide(
        "Held-out images should come back nearly as well as training images; training images that "
        "come back much better were memorised.",
        (("Zhu 2016", "https://arxiv.org/abs/1609.03552"),
         ("Webster 2019", "https://arxiv.org/abs/1901.03396")),
    ),
}  # fmt: skip
