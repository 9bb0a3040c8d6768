"""Everything that a GPU must do right, the same twice, and fast, in less than six minutes.

python -m benchmarks.gpu [--tiny] [--output FILE] [SECTION ...]

Needs torch, torchvision, timm, numpy, scipy, h5py, pandas, xarray and this repository; nothing is downloaded. Prints
a line of verdict a section as it ends, then all figures and the bars that they are held against. The exit code is 1
where a section failed or missed a bar.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.gpu.findings import table
from benchmarks.gpu.sections import CPU_LIMIT_S, SECTIONS, run


def main() -> int:
    """Run the sections that are asked for."""
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"all, or some of: {', '.join(names)}")
    parser.add_argument("--tiny", action="store_true", help="a tiny size, as on a machine without a GPU")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write everything to a JSON file")
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(names):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    import torch

    on_gpu = torch.cuda.is_available()
    is_full = on_gpu and not asked.tiny
    if not on_gpu:
        print("not on a GPU: every section runs at a tiny size on the CPU, and no speed is judged", flush=True)
    results = []
    for section in SECTIONS:
        if not asked.sections or section.name in asked.sections:
            results.append(run(section, is_full, section.limit_s if on_gpu else CPU_LIMIT_S))
            print(results[-1].line(), flush=True)
    print(f"\n{table(results)}\n\n{sum(result.seconds for result in results):.0f} s in all")
    if asked.output:
        found = {"on_a_gpu": on_gpu, "full_size": is_full, "sections": [result.as_json() for result in results]}
        asked.output.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if all(result.is_sound for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
