"""``torchvision:NAME`` with torchvision's own FakeData and with fakes of its other shapes."""

import urllib.error

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision.datasets import FakeData, VisionDataset

from ganlens.data import open_data
from ganlens.data.vision import NOT_OFFERED, _arguments, _dataset_class
from ganlens.errors import GanlensError


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)


class Trained(VisionDataset):
    """Like CIFAR10: a ``train`` argument, classes, PIL images."""

    classes = ("ant", "bee", "cat")

    def __init__(self, root, train=True, transform=None, download=False):
        super().__init__(root)
        assert download
        self.offset, self.count = (0, 6) if train else (100, 3)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return Image.fromarray(pixels(self.offset + index)), index % 3


class Parted(VisionDataset):
    """Like Places365 or ImageNet: odd split names, no ``download``, tuples as class names."""

    classes = (("tench", "Tinca tinca"), ("goldfish",))

    def __init__(self, root, split="train", **kwargs):
        super().__init__(root)
        if split not in ("trainval", "val"):
            raise ValueError(f"Unknown value '{split}' for argument split.")
        self.split = split

    def __len__(self):
        return 4 if self.split == "trainval" else 2

    def __getitem__(self, index):
        return torch.from_numpy(pixels(index)).permute(2, 0, 1), torch.tensor(index % 2)


class Attributed(Parted):
    """Like CelebA: a vector of attributes as the target."""

    attr_names = ("Smiling", "Young", "")

    def __getitem__(self, index):
        return Image.fromarray(pixels(index)), torch.tensor([index % 2, 1, 0])


@pytest.fixture
def install(monkeypatch):
    return lambda name, dataset: monkeypatch.setattr(torchvision.datasets, name, dataset)


def refusal(spec, **options) -> str:
    with pytest.raises(GanlensError) as refused:
        open_data(spec, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_fake_data(install, tmp_path, monkeypatch):
    """It draws by way of the global random state, so threads would spoil each other's images."""

    class Small(FakeData):
        def __init__(self, size=120, image_size=(3, 20, 24), num_classes=4, random_offset=0):
            super().__init__(size, image_size, num_classes, random_offset=random_offset)

    install("FakeData", Small)
    monkeypatch.setattr("ganlens.data.build.TASK_IMAGES", 1)
    data = open_data("torchvision:FakeData", cache=tmp_path)
    assert data.images.shape == (120, 20, 20, 3)
    assert data.split_source == "hash"
    state = torch.get_rng_state()
    for row in range(120):
        image, label = Small()[int(data.names[row])]
        np.testing.assert_array_equal(data.images[row], np.asarray(image)[:, 2:22])
        assert data.labels[row] == int(label)
    assert torch.equal(state, torch.get_rng_state())


def test_train_argument_declares_splits(install, tmp_path):
    install("CIFAR10", Trained)
    data = open_data("torchvision:CIFAR10", cache=tmp_path)
    assert data.split_source == "declared"
    assert data.bounds == {"train": (0, 6), "test": (6, 9)}
    assert data.class_names == ("ant", "bee", "cat")
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert data.names[6] == "test/000000"
    np.testing.assert_array_equal(data.part("test").images[1], pixels(101))


def test_split_argument_falls_back_and_tensors_are_images(install, tmp_path):
    install("ImageNet", Parted)
    data = open_data("torchvision:ImageNet", cache=tmp_path)
    assert data.bounds == {"train": (0, 4), "test": (4, 6)}
    assert data.class_names == ("tench, Tinca tinca", "goldfish")
    np.testing.assert_array_equal(data.images[3], pixels(3))
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_attribute_vectors(install, tmp_path):
    install("CelebA", Attributed)
    data = open_data("torchvision:CelebA", cache=tmp_path)
    assert data.labels is None
    assert {k: v.tolist() for k, v in data.part("train").attributes.items()} == {
        "Smiling": ["no", "yes", "no", "yes"],
        "Young": ["yes"] * 4,
    }


def test_a_second_opening_does_not_load_it(install, tmp_path):
    install("CIFAR10", Trained)
    first = open_data("torchvision:CIFAR10", cache=tmp_path)
    install("CIFAR10", lambda **_: 1 / 0)
    assert open_data("torchvision:CIFAR10", cache=tmp_path).fingerprint == first.fingerprint


def test_changed_files_in_its_folder_are_noticed(install, tmp_path):
    install("CIFAR10", Trained)
    open_data("torchvision:CIFAR10", cache=tmp_path)
    (tmp_path / "torchvision/CIFAR10/batch.bin").write_bytes(b"new")
    opened = []

    class Watched(Trained):
        def __init__(self, *args, **kwargs):
            opened.append(1)
            super().__init__(*args, **kwargs)

    install("CIFAR10", Watched)
    open_data("torchvision:CIFAR10", cache=tmp_path)
    assert opened


@pytest.mark.parametrize(
    "problem",
    [
        urllib.error.URLError("no route to host"),
        RuntimeError("Dataset not found or corrupted.\nYou can use download=True to download it"),
        ModuleNotFoundError("No module named 'gdown'"),
    ],
)
def test_a_failed_download_is_one_line_with_the_next_step(install, tmp_path, problem):
    class Offline(Trained):
        def __init__(self, root, train=True, download=False):
            raise problem

    install("CIFAR10", Offline)
    said = refusal("torchvision:CIFAR10", cache=tmp_path)
    assert said.startswith(f"torchvision:CIFAR10 could not be opened ({type(problem).__name__}")
    assert "connect to the network" in said
    assert str(tmp_path / "torchvision/CIFAR10") in said


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("CIFAR-10", "CIFAR10"), ("mnits", "MNIST"), ("SVNH", "SVHN"), ("celeba", "CelebA")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, nearest, tmp_path):
    said = refusal(f"torchvision:{name}", cache=tmp_path)
    assert f"torchvision has no image data set '{name}': did you mean" in said
    assert nearest in said.split("?")[0]


def test_what_holds_no_images_is_refused(install, tmp_path):
    class Videos(Trained):
        def __getitem__(self, index):
            return {"video": 1}, 0

    install("CIFAR10", Videos)
    assert "a dict instead of an image" in refusal("torchvision:CIFAR10", cache=tmp_path)
    assert "no image data set 'Kinetics'" in refusal("torchvision:Kinetics", cache=tmp_path)


def test_what_needs_more_arguments_is_refused(install, tmp_path):
    class Named(Trained):
        def __init__(self, root, name, train=True):
            super().__init__(root)

    install("CIFAR10", Named)
    assert "needs arguments that a SPEC cannot give" in refusal(
        "torchvision:CIFAR10", cache=tmp_path
    )


def test_the_names_are_torchvisions():
    assert set(torchvision.datasets.__all__) >= NOT_OFFERED
    for name in ("CIFAR10", "MNIST", "EMNIST", "QMNIST", "SVHN", "CelebA", "LSUN", "Flowers102"):
        taken = _arguments(_dataset_class(name))
        assert "root" in taken
        assert "train" in taken or "split" in taken or name == "LSUN"
    assert "download" in _arguments(_dataset_class("EMNIST"))
