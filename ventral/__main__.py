"""`python -m ventral COMMAND`: what one wants to know before a study runs, and the use of what it leaves."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ventral.files.atomic import writing
from ventral.files.errors import InputError, refusing
from ventral.networks.published import FACES, STUDY, origin
from ventral.study import paths

HOME = Path(__file__).parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0, or 1 after one line on stderr where its input cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m ventral", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    layers = add_command(
        commands,
        "layers",
        help="list the layers of a network, their shapes and numbers of units",
        description="List the layers of a network, the shape and the number of units of each. Those that "
        "`layers: auto` stands for are marked. Weights are not downloaded.",
        example="layers resnet50 --layers 'layer*' avgpool",
    )
    layers.add_argument("network", metavar="NETWORK", help="a network of the config, or any architecture")
    layers.add_argument("--configfile", metavar="FILE", default="config.yaml", help="the study (default: config.yaml)")
    layers.add_argument("--layers", metavar="PATTERN", nargs="+", help="only these, named or by pattern, as 'layer*'")
    layers.set_defaults(run=lambda given: say(list_layers(given.network, given.configfile, given.layers)))
    predict = add_command(
        commands,
        "predict",
        help="predict the rates of an encoder's neuroids for images",
        description="Predict the rates that a kept encoder gives for images of any size: a CSV with a row an image "
        "and a column a neuroid, in the units of the recordings, which are told on stderr.",
        example="predict results/encoders/majaj/holdout/resnet50-ridge_loo photographs.zip --output rates.csv",
    )
    predict.add_argument("encoder", metavar="ENCODER", help="folder of the encoder, with its card.json")
    predict.add_argument("images", metavar="IMAGES", nargs="+", help="a folder, a zip archive, or image files")
    predict.add_argument("--output", metavar="FILE", help="the CSV (default: standard output)")
    predict.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: a GPU if any")
    predict.add_argument("--own-code", action="store_true", help="run the function that the card names as its network")
    predict.set_defaults(
        run=lambda given: say(write_rates(given.encoder, given.images, given.output, given.device, given.own_code))
    )
    report = add_command(
        commands,
        "report",
        help="write the report of a results folder as it is",
        description="Write the page of a results folder, finished or not, from this machine or another: answer, "
        "tables and figures, as far as they are there.",
        example="report results --output supplement.html",
    )
    report.add_argument("folder", metavar="FOLDER", help="the results folder, with its tables")
    report.add_argument("--output", metavar="FILE", help="the page (default: report.html in the folder)")
    report.set_defaults(run=lambda given: say(write_report(given.folder, given.output)))
    doctor = add_command(
        commands,
        "doctor",
        help="check the installation, the machine and a study before it runs",
        description="Check the installation, GPU, memory, disk, a study's config, and whether all that it would "
        "download can be had, and how much that is. A line a check: ok, warn or fail, and what to do. Nothing is "
        "downloaded. Exit code 1 if any check failed.",
        example="doctor --configfile config/published.yaml",
    )
    doctor.add_argument(
        "--configfile", metavar="FILE", nargs="+", default=["config.yaml"], help="the study, as of snakemake"
    )
    doctor.set_defaults(run=lambda given: run_doctor(given.configfile))
    debug = add_command(
        commands,
        "debug",
        help="run the script of one job in this process, without Snakemake",
        description="Run the script of a rule as Snakemake would, but in this process, for a debugger or a profiler "
        "(python -m pdb -m ventral debug ...). Its inputs must be there.",
        example="debug extract_activations dataset=majaj network=pixels --configfile config/small.yaml",
    )
    debug.add_argument("rule", metavar="RULE", help="name of the rule")
    debug.add_argument("wildcards", metavar="NAME=VALUE", nargs="*", help="its wildcards")
    debug.add_argument("--configfile", metavar="FILE", nargs="+", default=[], help="the study (default: config.yaml)")
    debug.set_defaults(run=lambda given: say(run_rule(given.rule, given.wildcards, given.configfile)))
    schema = add_command(
        commands,
        "schema",
        help="write the files that are made from the parts of the project",
        description="Write the schema by which an editor completes and checks a config, the reference page of every "
        "key, docs/config.md, and that of every part, docs/catalogue.md. Only a change of the library changes them.",
        example="schema",
    )
    schema.set_defaults(run=lambda given: say(write_generated()))
    given = parser.parse_args(arguments)
    try:
        return int(given.run(given))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    help: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command whose help ends with an example, what stands behind `python -m ventral`, as it is written."""
    return commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"example: python -m ventral {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def say(text: str) -> int:
    """Print what a command found; it succeeded."""
    print(text)
    return 0


def write_report(folder: str | Path, page: str | Path | None) -> str:
    """Write the report of a results folder; the file that it is in."""
    from ventral.report.folder import report_folder

    return str(report_folder(folder, page))


def run_rule(rule: str, wildcards: Sequence[str], config_files: Sequence[str]) -> str:
    """Run the script of a rule, its wildcards given as NAME=VALUE; the files that it wrote, one a line.

    Raises:
        InputError: as `run_script`, or if a wildcard has no value.
    """
    from ventral.study.debug import run_script

    pairs = [wildcard.partition("=") for wildcard in wildcards]
    if unset := [name for name, sign, _ in pairs if not sign]:
        raise InputError("command line", unset[0], "no value", "write it as NAME=VALUE")
    return "\n".join(run_script(rule, {name: value for name, _, value in pairs}, config_files))


def write_generated() -> str:
    """Write the files that are made from the parts of the project and their config keys; their names, one a line."""
    from ventral.report.catalogue import catalogue_page
    from ventral.study.reference import generated

    files = generated() | {"docs/catalogue.md": catalogue_page()}
    for name, text in files.items():
        with writing(HOME / name) as temporary:
            temporary.write_text(text)
    return "\n".join(files)


def run_doctor(config_files: Sequence[str]) -> int:
    """Print the checks of the installation and of a study; 1 if any failed."""
    from ventral.study.doctor import examine, report

    return report(examine(config_files))


def list_layers(network: str, config_file: str | Path, patterns: Sequence[str] | None) -> str:
    """A table of a network's layers: name, shape of the output for one image, units, whether `auto` holds it.

    Args:
        network: a name under `networks` in the config, or else an architecture.
        config_file: the study; a missing one has no networks.
        patterns: names or shell patterns of the layers to list; None for all.

    Raises:
        InputError: on a config that is not sound, and as `build_network` does.
    """
    import torch

    from ventral.networks.layers import expand_layers, module_names, running
    from ventral.networks.recording import find_records
    from ventral.networks.zoo import build_network

    settings = network_settings(network, config_file)
    state = f"{paths.HMO}/state.pt" if settings["architecture"] in STUDY else None
    built = build_network(network, settings | {"layers": "auto"}, weights_file=state, seed=0)
    field = f"networks.{network}.layers"
    wanted = expand_layers(patterns, built.model, field) if patterns else (*module_names(built.model), "output")
    size = built.image_size or 224
    with torch.inference_mode(), running(f"networks.{network}.architecture", torch.empty(2, 3, size, size)):
        example = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
        shapes = find_records(built.model, wanted, example).shapes
        auto = find_records(built.model, built.layers, example).shapes
    rows = [("layer", "shape", "units", "")]
    for name, shape in shapes.items():
        units = f"{torch.Size(shape).numel():,}"
        rows.append((name, " x ".join(map(str, shape)), units, "auto" if name in auto else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in rows]
    n_parameters = sum(parameter.numel() for parameter in built.model.parameters())
    resized = f"images of {size} x {size}, resized ({built.interpolation})"
    images = resized if built.image_size else f"images as they are, here {size} x {size}"
    return "\n".join([*lines, f"{network}: {n_parameters:,} parameters; {images}"])


def write_rates(
    folder: str | Path, images: Sequence[str | Path], output: str | Path | None, device: str, own_code: bool
) -> str:
    """A CSV of the rates that a kept encoder predicts for images; or, where it goes to a file, what that holds.

    Args:
        folder: of the encoder.
        images: a folder, a zip archive, or image files.
        output: the file, if any.
        device: "auto", "cpu" or "cuda".
        own_code: as for `read_encoder`.

    Raises:
        InputError: as `predict_images`.
    """
    import pandas as pd

    from ventral.encoders.keep.reading import predict_images, read_card
    from ventral.networks.activations import choose_device

    units = read_card(folder).get("units", "not known")
    print(f"units: {units}", file=sys.stderr)
    names, rates, neuroids = predict_images(folder, images, choose_device(device), own_code)
    table = pd.DataFrame(rates, pd.Index(names, name="image"), neuroids)
    if output is None:
        return table.to_csv().rstrip("\n")
    with writing(output) as temporary:
        table.to_csv(temporary)
    return f"{output}: {len(names)} images, {len(neuroids)} neuroids, units: {units}"


def network_settings(network: str, config_file: str | Path) -> dict[str, Any]:
    """The entry of a network in a config with defaults filled in, or that of an architecture under any name.

    A file of weights is left out: layers do not depend on it.

    Raises:
        InputError: on a config that is no YAML or has faults.
    """
    import yaml

    from ventral.study.config import with_copies
    from ventral.study.faults import check_config
    from ventral.study.schema import fill_defaults

    networks: dict[str, Any] = {}
    if Path(config_file).is_file():
        with refusing(config_file, "YAML", "not readable", "correct it"):
            try:
                config = yaml.safe_load(Path(config_file).read_bytes())
            except yaml.YAMLError as error:
                raise InputError(config_file, "YAML", str(error), "correct it") from None
        faults = check_config(config)
        if faults:
            field, _, fault = faults[0].partition(": ")
            problem, _, remedy = fault.rpartition("; ")
            raise InputError(config_file, field, problem, remedy)
        fill_defaults(config)
        networks = with_copies(config["networks"], config["seed"])
    elif config_file != "config.yaml":
        raise InputError(config_file, "config", "no such file", "correct the path")
    settings = dict(networks.get(network, {"architecture": network, "weights": "random"}))
    if settings["architecture"] == "labels":
        raise InputError(config_file, network, "labels are no network", "name another")
    elsewhere = origin(settings["architecture"], settings["weights"]) in ("file", "address")
    elsewhere |= settings["weights"] == FACES
    return settings | ({"weights": "random"} if elsewhere else {})


if __name__ == "__main__":
    raise SystemExit(main())
