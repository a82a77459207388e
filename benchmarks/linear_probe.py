r"""The L2-SVM of the linear probe beside scikit-learn's LinearSVC, on the same features.

    python benchmarks/linear_probe.py --data train=train.zip,test=test.zip --target class \
        --n 10000 --n-test 10000 --threads 1
    python benchmarks/linear_probe.py --synthetic 28672 --n 50000 --half --skip-reference

Features: all convolution layers of an untrained width-64 discriminator, pooled to 4x4 (7,168
numbers), of labelled images; or made-up ones of any number. Both solve the same problem: same
scaled features, same C, intercept regularised. Printed: seconds, objective values, test accuracies,
versions, and peak memory: of the whole process, features included, and above what it held before
solving. ganlens reads the features from a memory map. LinearSVC took minutes at n = 10,000: start
with --n 2000. It has a single thread.
"""

import argparse
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.svm import LinearSVC

from ganlens import open_data, svm
from ganlens.calibration import calibrate
from ganlens.models.dcgan import DCGANConfig, DCGANDiscriminator
from ganlens.probes.linear.targets import find_targets
from ganlens.subject import pool_maps  # what the probe's features go through

PARTS = ("train", "test")


def features(spec: str, n: int, n_test: int, width: int, target: str, seed: int) -> dict[str, Any]:
    """Return scaled features and labels of n train and n_test test images."""
    data = open_data(spec)
    channels, size, _ = data.image_shape
    torch.random.manual_seed(seed)
    network = DCGANDiscriminator(DCGANConfig(size=size, channels=channels, width=width))
    train, test = data.part("train"), data.part("test")
    (found, *_) = find_targets(train, test, target)
    rng, parts = np.random.default_rng(seed), {}
    for name, part, count, labels in (
        ("train", train, n, found.train),
        ("test", test, n_test, found.test),
    ):
        rows = np.sort(rng.permutation(len(part))[:count])
        if name == "train":
            calibrate(network, part.batch(rows[:1024]).split(256))
            network.eval()
        parts[name] = (extract(network, part, rows), labels[rows])
    return {**parts, "classes": len(found.classes)}


@torch.inference_mode()
def extract(network: Any, part: Any, rows: np.ndarray) -> np.ndarray:
    """Return (N, D) float32 pooled features of all layers."""
    from ganlens.activations import capture

    out = []
    for chunk in np.array_split(rows, -(-len(rows) // 256)):
        with capture(network, list(network.feature_layers)) as maps:
            network(part.batch(chunk))
        out.append(torch.cat([pool_maps(maps[k], 4) for k in network.feature_layers], 1).numpy())
    return np.concatenate(out)


def made_up(n: int, n_test: int, columns: int, file: Path, half: bool, seed: int) -> dict[str, Any]:
    """Write features of 10 classes that overlap and 50 correlated factors, block by block."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(60, columns)).astype(np.float32)
    parts: dict[str, Any] = {}
    for name, count in zip(PARTS, (n, n_test), strict=True):
        kind, labels = np.float16 if half else np.float32, rng.integers(0, 10, count)
        x = np.lib.format.open_memmap(file / f"{name}0.npy", "w+", kind, (count, columns))
        for rows in np.array_split(np.arange(count), -(-count // 1000)):
            factors = rng.normal(size=(len(rows), 60)).astype(np.float32)
            factors[:, :10] += 1.5 * np.eye(10, dtype=np.float32)[labels[rows]]
            noise = rng.standard_normal((len(rows), columns), np.float32)
            x[rows[0] : rows[-1] + 1] = factors @ mixing / 8 + noise
        x.flush()
        np.save(file / f"{name}1.npy", labels)
        parts[name] = (x.shape, labels)
    return parts


def ours(data: dict[str, Any], c: float, tolerance: float) -> dict[str, Any]:
    """Solve with ganlens.svm; the scaling is part of the time."""
    x, labels = data["train"]
    how = svm.scaling(x)
    signs = svm.one_vs_rest(labels, data["classes"])
    found = svm.fit(x, signs, c, how, tolerance=tolerance)
    guess = svm.predict(found.decision(data["test"][0]))
    return {
        "objective": found.objective,
        "accuracy": float((guess == data["test"][1]).mean()),
        "gap": f"{found.gap.max():.1e}",
        "iterations": f"{found.iterations} steps, {found.passes} passes",
    }


def reference(data: dict[str, Any], c: float, tolerance: float) -> dict[str, Any]:
    """Solve with LinearSVC, on features scaled beforehand in float64, which it works in."""
    (x, labels), (x_test, test_labels) = data["train"], data["test"]
    how = svm.scaling(x)
    shift, factor = how.shift.numpy(), how.factor.numpy()
    scaled = np.subtract(x, shift, dtype=np.float64)
    scaled *= factor
    model = LinearSVC(C=c, tol=tolerance, max_iter=100_000).fit(scaled, labels)
    margins = (
        svm.one_vs_rest(labels, data["classes"])
        * model.decision_function(scaled).reshape(len(x), -1).T
    )
    weights = np.c_[model.coef_, model.intercept_]
    objective = 0.5 * (weights**2).sum(1) + c * (np.maximum(0, 1 - margins) ** 2).sum(1)
    accuracy = model.score((x_test - shift) * factor, test_labels)
    rounds = f"{model.n_iter_} rounds"
    return {"objective": objective, "accuracy": accuracy, "gap": "unknown", "iterations": rounds}


def memory(which: str) -> float:
    """Return a line of the process's status in MiB; ru_maxrss would keep the parent's."""
    return int(Path("/proc/self/status").read_text().split(f"{which}:")[1].split()[0]) / 2**10


def _measured(queue: Any, solve: Callable[..., Any], threads: int, folder: str, *rest: Any) -> None:
    torch.set_num_threads(threads)
    mapped = "r" if solve is ours else None  # LinearSVC copies to float64 in any case
    data = {
        name: tuple(np.load(f"{folder}/{name}{i}.npy", mmap_mode=mapped) for i in (0, 1))
        for name in PARTS
    }
    arguments = ({**data, "classes": rest[0]}, *rest[1:])
    before = memory("VmHWM")
    start, cpu = time.perf_counter(), time.process_time()
    result = solve(*arguments)
    used = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    used |= {"above": memory("VmHWM") - before, "peak": memory("VmHWM")}
    queue.put({**result, **used})


def measure(solve: Callable[..., Any], threads: int, *arguments: Any) -> dict[str, Any]:
    """Run in a process of its own, so that peak memory is the solver's."""
    context = get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measured, args=(queue, solve, threads, *arguments))
    process.start()
    found = queue.get()
    process.join()
    return found


def prepare(a: argparse.Namespace, folder: str) -> tuple[tuple[int, ...], int]:
    """Write features and labels into a folder; return the shape of the train features, classes."""
    if a.synthetic:
        parts = made_up(a.n, a.n_test, a.synthetic, Path(folder), a.half, a.seed)
        return parts["train"][0], 10
    data = features(a.data, a.n, a.n_test, a.width, a.target, a.seed)
    for name in PARTS:
        x, labels = data[name]
        np.save(f"{folder}/{name}0.npy", x.astype(np.float16) if a.half else x)
        np.save(f"{folder}/{name}1.npy", labels)
    return data["train"][0].shape, data["classes"]


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="pixelfaces")
    parser.add_argument("--target", default="eyes", help="auto, class or an attribute")
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--n-test", type=int, default=2000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--c", type=float, default=1.0)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--synthetic", type=int, default=0, help="so many made-up features instead")
    parser.add_argument("--half", action="store_true", help="keep the features in float16")
    parser.add_argument("--folder", help="where the features' files go; they are removed")
    parser.add_argument("--skip-reference", action="store_true")
    a = parser.parse_args()
    folder = tempfile.mkdtemp(dir=a.folder)
    shape, classes = prepare(a, folder)
    names = ", ".join(f"{p} {version(p)}" for p in ("torch", "scikit-learn", "numpy"))
    print(f"{platform.processor() or platform.machine()}, {a.threads} threads; {names}")
    what = "made-up features" if a.synthetic else f"{a.data} {a.target}"
    kind = "float16" if a.half else "float32"
    print(f"{what}: {shape} {kind}, {classes} classes, C = {a.c}", flush=True)
    solvers = {"ganlens.svm": ours} | ({} if a.skip_reference else {"LinearSVC": reference})
    settings = (folder, classes, a.c, a.tolerance)
    found = {k: measure(f, a.threads, *settings) for k, f in solvers.items()}
    shutil.rmtree(folder)
    for name, r in found.items():
        print(
            f"{name:12} {r['seconds']:8.1f} s ({r['cpu']:.1f} s CPU)  accuracy "
            f"{100 * r['accuracy']:.2f} %  objective {r['objective'].sum():.4f}  "
            f"peak {r['peak']:,.0f} MiB (+{r['above']:,.0f})  gap {r['gap']}  {r['iterations']}"
        )
    if not a.skip_reference:
        mine, theirs = found["ganlens.svm"], found["LinearSVC"]
        apart = np.abs(mine["objective"] / theirs["objective"] - 1).max()
        print(
            f"ratio {theirs['seconds'] / mine['seconds']:.1f} (wall), "
            f"{theirs['cpu'] / mine['cpu']:.1f} (CPU); objectives differ by at most {apart:.2e}"
        )


if __name__ == "__main__":
    main()
