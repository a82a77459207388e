"""Reader of mimicry's residual DCGAN, SNGAN and WGAN-GP (kwotsin/mimicry), 32 to 128 px.

Their names are the same, so a file cannot tell that ``dcgan_cifar`` ends with a sigmoid in place of
tanh, or that WGAN-GP's discriminator averages over positions in place of summing: the first of each
is assumed and said. Spectral norm is worked into the weights.
"""

from collections.abc import Sequence

from ganlens.foreign.recognition import Answers, Match, Notes, Weights, numbered, refuse, shape
from ganlens.foreign.spectral import divided

FORMAT = "mimicry's DCGAN or SNGAN"
VARIANTS = {
    r"attn_block\.": "self-attention",
    r"block\d+\.b[12]\.embed\.": "class-conditional batch norm",
    r"l_y\.": "a head for classes or rotations",
    r".*\.sn_u$": "spectral norm in a layout of mimicry's own",
}


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read ``l1`` and ``block2.b1`` as a generator, ``block1.c_sc`` as a discriminator."""
    blocks = numbered(weights, r"block(\d+)\.c1\.weight(?:_orig)?")
    if len(blocks) < 2 or blocks[0] not in (1, 2):
        return None
    refuse(weights, VARIANTS)
    read = _discriminator if blocks[0] == 1 else _generator
    return read(divided(weights), Notes(answers), blocks)


def _generator(weights: Weights, notes: Notes, blocks: Sequence[int]) -> Match:
    units, dim = shape(weights, "l1.weight", 2)
    shapes = [shape(weights, f"block{i}.c1.weight", 4) for i in blocks]
    widths = [shapes[0][1], *(s[0] for s in shapes)]
    bottom = round((units / widths[0]) ** 0.5)
    arguments = {
        "latent_dim": notes.latent_dim(dim),
        "widths": widths,
        "bottom": bottom,
        "channels": shape(weights, f"c{blocks[-1] + 1}.weight", 4)[0],
        "prior": notes.prior(),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "output": notes.output("tanh"),
    }
    if notes.answers.output_range is None:
        notes.assumed.append("not dcgan_cifar, for which say --output-range 0 1")
    return notes.match(FORMAT, "generator", weights, arguments, bottom * 2 ** len(blocks))


def _discriminator(weights: Weights, notes: Notes, blocks: Sequence[int]) -> Match:
    shapes = [shape(weights, f"block{i}.c2.weight", 4) for i in blocks]
    widths = [s[0] for s in shapes]
    ins = [shape(weights, f"block{i}.c1.weight", 4)[1] for i in blocks]
    ends = numbered(weights, r"l(\d+)\.weight") or [len(blocks) + 1]
    # A shortcut of its own is what mimicry gives to blocks that halve, and to the last at 48 px,
    # which only widens: there alone the matrix has the number of the last block.
    halves = [f"block{i}.c_sc.weight" in weights for i in blocks]
    if ends[-1] == blocks[-1]:
        halves[-1] = False
    size = {4: 32, 5: 64 if halves[-1] else 48, 6: 128}.get(len(blocks), 4 * 2 ** sum(halves))
    notes.assumed.append(f"discriminator for images of {size} px, which its blocks suggest")
    notes.assumed.append("it sums over positions, as all of mimicry's but WGAN-GP's do")
    arguments = {
        "channels": ins[0],
        "size": size,
        "widths": widths,
        "halves": halves,
        "last": f"l{ends[-1]}",
    }
    notes.inferred.append(f"discriminator: widths {widths}, halving in {sum(halves)} blocks")
    return notes.match(FORMAT, "discriminator", weights, arguments)
