"""Extractors: shapes, descriptions, parity with torch-fidelity, and streaming."""

import json
import subprocess
import sys
import urllib.error

import numpy as np
import pytest
import torch
from random_networks import narrow_vgg16, random_inception, random_vgg16
from torch import nn

from ganlens import features
from ganlens.errors import GanlensError
from ganlens.features import inception_weights as published
from ganlens.features import resize, weights
from ganlens.features.inception import InceptionExtractor
from ganlens.features.torchvision_models import TorchvisionExtractor
from ganlens.features.vgg import VGG16Extractor
from ganlens.images import from_uint8
from ganlens.models.classifier import Classifier, ClassifierConfig
from ganlens.models.dcgan import DCGANConfig, DCGANDiscriminator


def images(n=5, size=16, channels=3, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (n, size, size, channels), np.uint8)
    return from_uint8(pixels)


def discriminator(**changes):
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        return DCGANDiscriminator(DCGANConfig(**{"size": 16, "width": 4, **changes}))


def classifier():
    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        return Classifier(ClassifierConfig(16, 3, {"a": ("x", "y")}, width=8, features=8))


EXTRACTORS = {
    "pixels": features.PixelExtractor,
    "pixels-4x4": lambda: features.PixelExtractor(4),
    "discriminator": lambda: features.DiscriminatorExtractor(discriminator()),
    "classifier": lambda: features.ClassifierExtractor(classifier()),
}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_extractor_keeps_the_contract(name):
    extractor = EXTRACTORS[name]()
    x = images()
    found = extractor(x)
    assert isinstance(extractor, features.Extractor)
    assert extractor.name == name
    assert (found.dtype, found.device.type, found.ndim) == (torch.float32, "cpu", 2)
    described = json.loads(json.dumps(extractor.describe()))
    keys = {"name", "weights", "layer", "pool", "resize", "quantisation", "dimensions"}
    assert keys <= described.keys()
    assert described["weights"] == (extractor.hash or None)
    # A row does not depend on who else is in the batch.
    torch.testing.assert_close(torch.cat([extractor(row) for row in x.split(1)]), found)


def test_pixels_are_the_values_in_order_and_means_of_blocks():
    x = images(2)
    torch.testing.assert_close(features.PixelExtractor()(x), x.flatten(1))
    blocks = x.reshape(2, 3, 4, 4, 4, 4).mean((3, 5)).flatten(1)
    torch.testing.assert_close(features.PixelExtractor(4)(x), blocks)
    torch.testing.assert_close(features.PixelExtractor(16)(x), x.flatten(1))


def test_discriminator_layers_pooled_by_hand_in_eval_mode():
    network = discriminator().train()
    for _ in range(3):  # running statistics that differ from the batch's
        network(images(8, seed=1))
    before = {k: v.clone() for k, v in network.state_dict().items()}
    x = images()
    network.eval()
    first = network.block1(x)
    second = network.block2(first)
    network.train()
    mean = features.DiscriminatorExtractor(network)(x)
    torch.testing.assert_close(mean, torch.cat([first.mean((2, 3)), second.mean((2, 3))], 1))
    most = features.DiscriminatorExtractor(network, layers="block1.act", pool=2, pooling="max")(x)
    by_hand = first.reshape(5, 4, 2, 4, 2, 4).amax((3, 5)).flatten(1)
    torch.testing.assert_close(most, by_hand)
    assert network.training
    assert all(part.training for part in network.modules())
    after = network.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert not any(m._forward_hooks for m in network.modules())


def test_discriminator_dimensions_stay_below_1024_from_the_deepest_layer_back():
    wide = features.DiscriminatorExtractor(discriminator(size=32, width=256))  # 256 + 512 + 1024
    assert wide.layers == ("block3.act",)
    assert wide.dimensions == 1024
    usual = features.DiscriminatorExtractor(discriminator(size=32, width=64))
    assert usual.layers == ("block1.act", "block2.act", "block3.act")
    assert usual.dimensions == 448 == usual(images(1, 32)).shape[1]
    every = features.DiscriminatorExtractor(discriminator(size=32, width=256), layers="all")
    assert every.dimensions == 1792


def test_extractors_name_what_does_not_fit():
    with pytest.raises(GanlensError, match="size=16, channels=3"):
        features.DiscriminatorExtractor(discriminator())(images(size=32))
    with pytest.raises(GanlensError, match=r"choose from .*block1\.act"):
        features.DiscriminatorExtractor(discriminator(), layers="block9.act")
    with pytest.raises(GanlensError, match="mean, max"):
        features.DiscriminatorExtractor(discriminator(), pooling="median")


def test_module_hash_sees_weights_buffers_and_names():
    network = discriminator()
    hashes = {features.module_hash(network), features.module_hash(discriminator())}
    assert len(hashes) == 1
    with torch.no_grad():
        network.block2.norm.running_mean[0] += 1e-6
    hashes.add(features.module_hash(network))
    hashes.add(features.module_hash(nn.Linear(2, 2).requires_grad_(False)))
    assert len(hashes) == 3


# Inception


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory):
    """A random network's weights in the format that torch-fidelity loads."""
    return random_inception(tmp_path_factory.mktemp("inception") / "random.pth")


@pytest.mark.slow
def test_inception_equals_torch_fidelity_on_one_random_weight_file(inception_weights):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    theirs = FeatureExtractorInceptionV3(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        feature_extractor_weights_path=str(inception_weights),
    )
    before = torch.random.get_rng_state()
    ours = InceptionExtractor(inception_weights)
    assert torch.equal(torch.random.get_rng_state(), before)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    expected, logits = theirs(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()))
    found = ours(from_uint8(pixels))
    assert found.shape == (3, 2048)
    assert (found - expected).norm() / expected.norm() < 2e-6  # folding moves the last digit
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
    again = torch.from_numpy(ours.logits(found.numpy()))
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4 * float(logits.std()))
    assert not ours.published
    assert ours.describe()["published_weights"] is False
    grey = ours(from_uint8(pixels[..., :1]))
    torch.testing.assert_close(grey, ours(from_uint8(pixels[..., :1].repeat(3, -1))))
    alone = ours(from_uint8(pixels[:1]))  # who else is in the batch moves no more than a last digit
    torch.testing.assert_close(alone, found[:1], rtol=1e-5, atol=1e-5 * float(found.std()))


@pytest.mark.parametrize(("size", "side"), [((32, 32), 299), ((17, 40), 224), ((300, 310), 64)])
def test_the_resize_is_tensorflow_1s(size, side):
    from torch_fidelity.interpolate_compat_tensorflow import (
        interpolate_bilinear_2d_like_tensorflow1x,
    )

    x = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, *size), np.uint8))
    expected = interpolate_bilinear_2d_like_tensorflow1x(x.float(), (side, side), None, False)
    with torch.autocast("cpu", torch.bfloat16):  # which it does not let in
        found = resize.tf1_resize(x, side)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)  # of 255
    corners = found[..., :: side - 1, :: side - 1]
    assert torch.equal(corners[..., 0, 0], x[..., 0, 0].float())


@pytest.mark.slow
def test_fid_equals_calculate_metrics_of_torch_fidelity(inception_weights):
    import warnings

    from torch_fidelity import calculate_metrics

    from ganlens import stats

    class Bare(torch.utils.data.Dataset):
        def __init__(self, seed, high):
            shape = (12, 16, 16, 3)
            self.pixels = np.random.default_rng(seed).integers(0, high, shape, np.uint8)

        def __len__(self):
            return len(self.pixels)

        def __getitem__(self, index):
            return torch.from_numpy(self.pixels[index].transpose(2, 0, 1).copy())

    real, fake = Bare(0, 256), Bare(1, 200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch-fidelity's own
        expected = calculate_metrics(
            input1=fake, input2=real, fid=True, cuda=False, cache=False, verbose=False,
            feature_extractor_weights_path=str(inception_weights), batch_size=4,
        )  # fmt: skip
    ours = InceptionExtractor(inception_weights)
    a, b = (ours(from_uint8(d.pixels)).numpy() for d in (real, fake))
    found = stats.frechet_distance_from_features(a, b)
    assert found == pytest.approx(expected["frechet_inception_distance"], rel=1e-4)


def test_missing_inception_weights_are_named_with_the_option(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for path in (None, tmp_path / "nowhere.pth"):
        with pytest.raises(GanlensError, match="--inception-weights") as caught:
            features.find_inception_weights(path)
        assert features.INCEPTION_FILE in str(caught.value)
    place = tmp_path / "checkpoints" / features.INCEPTION_FILE
    place.parent.mkdir()
    place.touch()
    assert features.find_inception_weights() == place


def test_inception_file_is_the_published_one():
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    assert published.URL == URL_INCEPTION_V3
    assert features.INCEPTION_FILE == "weights-inception-2015-12-05-6726825d.pth"
    assert published.DIGEST_PREFIX == "6726825d"


def test_damaged_and_foreign_weight_files_are_named(tmp_path):
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"\x80\x02 not a weight file")
    with pytest.raises(GanlensError, match="not a readable weight file"):
        InceptionExtractor(damaged)
    foreign = tmp_path / "foreign.pth"
    torch.save({"conv.weight": torch.zeros(2)}, foreign)  # noqa: TID251 the format under test
    with pytest.raises(GanlensError, match="does not hold the Inception network"):
        InceptionExtractor(foreign)


def test_code_in_a_weight_file_is_not_run(tmp_path):
    script = (
        "import sys, torch, pathlib\n"
        "class Evil:\n"
        "    def __reduce__(self): return (pathlib.Path.touch, (pathlib.Path(sys.argv[2]),))\n"
        "torch.save({'a': Evil()}, sys.argv[1])\n"
    )
    file, trace = tmp_path / "evil.pth", tmp_path / "trace"
    subprocess.run([sys.executable, "-c", script, str(file), str(trace)], check=True)
    with pytest.raises(GanlensError, match="not a readable weight file"):
        InceptionExtractor(file)
    assert not trace.exists()


def test_fetching_checks_the_hash_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(3 << 20))
    monkeypatch.setattr(published, "URL", source.as_uri())
    with pytest.raises(GanlensError, match="damaged"):
        list(features.fetch_inception_weights())
    assert list((tmp_path / "checkpoints").iterdir()) == []
    import hashlib

    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    monkeypatch.setattr(published, "DIGEST_PREFIX", digest[:8])
    seen = list(features.fetch_inception_weights())
    assert seen[-1] == (3 << 20, 3 << 20)
    assert features.find_inception_weights().read_bytes() == source.read_bytes()


def test_fetching_offline_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))

    def offline(*_args, **_kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(GanlensError, match=r"no route.*--inception-weights") as caught:
        list(features.fetch_inception_weights())
    assert "\n" not in str(caught.value)


# VGG16 and torchvision's other networks


def test_vgg16_equals_torch_fidelity_on_one_random_weight_file(tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_vgg16 import FeatureExtractorVGG16

    for place in ("torchvision.models.vgg16", "ganlens.features.vgg.vgg16"):
        monkeypatch.setattr(place, narrow_vgg16)
    path = random_vgg16(tmp_path / "random.pth")
    ours = VGG16Extractor(path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    found = ours(from_uint8(pixels))
    theirs = FeatureExtractorVGG16("vgg16", ["fc2_relu"], feature_extractor_weights_path=str(path))
    (expected,) = theirs(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()))
    assert found.shape == (2, 96)
    assert 0.1 < (expected > 0).float().mean() < 0.9
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))
    assert ours.describe()["published_weights"] is False


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torchvision_features_are_what_the_last_layer_sees(tmp_path, suffix):
    from safetensors.torch import save_file
    from torchvision import models

    with torch.random.fork_rng():
        torch.random.default_generator.manual_seed(0)
        network = models.mobilenet_v3_small(num_classes=7).eval()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(network.state_dict(), path)  # noqa: TID251 the format under test
    else:
        save_file(network.state_dict(), path)
    ours = TorchvisionExtractor("mobilenet_v3_small", path)
    x = images(2, size=40)
    found = ours(x)
    assert found.shape == (2, 1024)
    prepare = models.MobileNet_V3_Small_Weights.DEFAULT.transforms()
    pixels = weights_pixels(x)
    with torch.inference_mode():
        torch.testing.assert_close(network.classifier[3](found), network(prepare(pixels)))
    described = json.loads(json.dumps(ours.describe()))
    assert described["resize"] == "bilinear, antialiased, short side to 256, middle 224x224"
    assert (described["dimensions"], described["published_weights"]) == (1024, False)
    assert described["layer"] == "input of classifier.3"


def weights_pixels(x):
    return torch.from_numpy(((x.numpy() + 1) * 127.5).round().astype(np.uint8))


def test_torchvision_errors_name_what_is_wrong(tmp_path):
    from torchvision import models

    kind, path = TorchvisionExtractor, tmp_path / "w.pth"
    with pytest.raises(GanlensError, match=r"'resnet5' is not known: choose from .*resnet50"):
        kind("resnet5", path)
    with pytest.raises(GanlensError, match="are not there"):
        kind("resnet18", path)
    torch.save(models.squeezenet1_1(num_classes=2).state_dict(), path)  # noqa: TID251
    with pytest.raises(GanlensError, match="does not hold the weights of torchvision's resnet18"):
        kind("resnet18", path)
    with pytest.raises(GanlensError, match="does not end in a linear layer"):
        kind("squeezenet1_1", path)
    with pytest.raises(GanlensError, match=r"VGG16's weights, vgg16-397923af\.pth"):
        VGG16Extractor(tmp_path / "nowhere.pth")
    with pytest.raises(GanlensError, match="does not hold torchvision's VGG16"):
        VGG16Extractor(path)
    assert weights.digest_prefix("vgg16-397923af.pth") == "397923af"


def test_a_classifiers_logits_come_from_its_features():
    network = classifier().eval()
    extractor = features.ClassifierExtractor(network)
    x = images()
    with torch.inference_mode():
        expected = network(x)["a"].numpy()
    found = extractor.logits(extractor(x).numpy(), "a")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(GanlensError, match="'b' is not known: choose from a"):
        extractor.logits(found, "b")


def test_the_first_difference_of_two_descriptions_is_named():
    a = features.PixelExtractor(4).describe()
    features.check_comparable(a, dict(a))
    assert features.difference(a, {**a, "precision": "bf16-mixed"}) == (
        "precision None against 'bf16-mixed'"
    )
    for key, value in (("weights", "cd34"), ("resize", "other"), ("quantisation", "uint8")):
        with pytest.raises(GanlensError, match=f"{key} .*against '{value}'"):
            features.check_comparable(a, {**a, key: value, "zzz": 1})
    assert "name" in str(features.difference(a, features.PixelExtractor(2).describe()))


def test_a_text_file_is_no_weights_and_says_so(tmp_path):
    (tmp_path / "a.pth").write_text("hello\nworld\n")
    torch.save({1: torch.zeros(2)}, tmp_path / "b.pth")  # noqa: TID251 what others give
    for name in ("a", "b"):
        with pytest.raises(GanlensError, match="weight"):
            TorchvisionExtractor("resnet18", tmp_path / f"{name}.pth")
