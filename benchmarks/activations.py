"""Peak memory and speed of scanning images for what activates each unit most.

Every size is scanned in a process of its own, from images that were decoded before. Memory is what
Linux counts as resident (VmRSS, and VmHWM set back before the scan), pages of the mapped image file
included.

    python benchmarks/activations.py [--checkpoint cifar10] [--data SPEC] [--sizes 5000 50000]
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

CIFAR = "data/cifar10-train.zip"


def scan_once(checkpoint: str, spec: str, size: int, batch: int) -> dict[str, float]:
    """Scan in this process: images, seconds, MiB before and at the peak."""
    import ganlens
    from ganlens.features import DataImages
    from ganlens.probes.units.scan import last_block, scan
    from ganlens.progress import finish

    subject = ganlens.load(checkpoint)
    channels, side, _ = subject.image_shape
    data = ganlens.open_data(spec, size=side, channels=channels)
    source = DataImages.draw(data, size, 0)
    layer = last_block(subject)
    first = DataImages(data, source.rows[:batch])
    finish(scan(subject, "discriminator", layer, first, 9, batch))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = memory("VmRSS"), time.perf_counter()
    finish(scan(subject, "discriminator", layer, source, 9, batch))
    seconds = time.perf_counter() - began
    return {"images": source.count, "seconds": seconds, "before": before, "peak": memory("VmHWM")}


def memory(name: str) -> float:
    """Return a line of what Linux says of this process's memory, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def main() -> None:
    """Print a row per size, and the ratio of the peaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="cifar10")
    parser.add_argument("--data", default=CIFAR if Path(CIFAR).exists() else "pixelfaces")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(scan_once(asked.checkpoint, asked.data, asked.one, asked.batch)))
        return
    from ganlens import open_data
    from ganlens.checkpoints import versions
    from ganlens.runs import machine

    held = len(open_data(asked.data))
    print(f"{machine()}; Python {platform.python_version()}, torch {versions()['torch']}")
    print(f"{asked.checkpoint}, last block of D; {asked.data}, {held:,} images\n")
    print("| images | images/s | MiB before the scan | MiB at the peak |")
    print("| ---: | ---: | ---: | ---: |")
    peaks = []
    for size in asked.sizes:
        words = [sys.executable, __file__, "--checkpoint", asked.checkpoint, "--data", asked.data,
                 "--batch", str(asked.batch), "--one", str(size)]  # fmt: skip
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        peaks.append(row["peak"])
        rate = row["images"] / row["seconds"]
        print(f"| {row['images']:,} | {rate:.0f} | {row['before']:.0f} | {row['peak']:.0f} |")
    print(f"\nlargest peak over smallest: {max(peaks) / min(peaks):.3f}")


if __name__ == "__main__":
    main()
