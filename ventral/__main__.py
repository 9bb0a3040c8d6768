"""Commands around a study: inspect networks, check the set-up, predict rates, write reports, debug a job."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ventral.files.atomic import writing
from ventral.files.errors import InputError, refusing
from ventral.networks.published import FACES, STUDY, origin
from ventral.study import paths

AN_ENCODER = paths.ENCODER.format(dataset="majaj", protocol="holdout", encoder="resnet50-ridge_loo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Return 0, or 1 after one line on stderr if it cannot use its input."""
    parser = argparse.ArgumentParser(prog="python -m ventral", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    layers = add_command(
        commands,
        "layers",
        help="list the layers of a network, their shapes and numbers of units",
        description="List the layers of a network, with the shape and the number of units of each. The mark `auto` "
        "shows the layers that `layers: auto` selects. No weights are downloaded.",
        example="layers resnet50 --layers 'layer*' avgpool",
    )
    layers.add_argument("network", metavar="NETWORK", help="a network of the config, or any architecture")
    layers.add_argument("--configfile", metavar="FILE", default="config.yaml", help="the study (default: config.yaml)")
    layers.add_argument(
        "--layers", metavar="PATTERN", nargs="+", help="only these layers, by name or pattern: 'layer*'"
    )
    layers.set_defaults(run=lambda given: say(list_layers(given.network, given.configfile, given.layers)))
    predict = add_command(
        commands,
        "predict",
        help="predict the rates of an encoder's neuroids for images",
        description="Predict rates for images of any size with a kept encoder. The result is a CSV with one row for "
        "each image and one column for each neuroid. Rates have the unit of the recordings, which is printed on "
        "stderr.",
        example=f"predict {AN_ENCODER} photographs.zip --output rates.csv",
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
        help="write the report of a results folder",
        description="Write the report of a results folder: answer, tables and figures. The folder may come from "
        "another machine. Tables and figures that it lacks are left out.",
        example="report results --output supplement.html",
    )
    report.add_argument("folder", metavar="FOLDER", help="the results folder, with its tables")
    report.add_argument("--output", metavar="FILE", help="the page (default: report.html in the folder)")
    report.set_defaults(run=lambda given: say(write_report(given.folder, given.output)))
    doctor = add_command(
        commands,
        "doctor",
        help="check the installation, the machine and a study before it runs",
        description="Check the installation, GPU, memory, disk space, the config of a study, and whether its "
        "downloads are available and how large they are; estimate how long the study takes. Each check prints one "
        "line: ok, warn or fail, and what to do. Nothing is downloaded. The exit code is 1 if any check failed.",
        example="doctor --configfile config/published.yaml",
    )
    doctor.add_argument(
        "--configfile", metavar="FILE", nargs="+", default=["config.yaml"], help="the study (default: config.yaml)"
    )
    doctor.set_defaults(run=lambda given: run_doctor(given.configfile))
    debug = add_command(
        commands,
        "debug",
        help="run the script of one job in this process, without Snakemake",
        description="Run the script of a rule as Snakemake would, but in this process, for a debugger or a profiler "
        "(python -m pdb -m ventral debug ...). The inputs of the job must exist.",
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
        description="Write the schema by which an editor completes and checks a config, the reference page of all "
        "keys (docs/config.md), and the catalogue of all parts (docs/catalogue.md). They change only with the library.",
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
    """Add a command whose help ends with an example: the words after `python -m ventral`."""
    return commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=f"example: python -m ventral {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def say(text: str) -> int:
    """Print the result of a command, and return the exit code of success."""
    print(text)
    return 0


def write_report(folder: str | Path, page: str | Path | None) -> str:
    """Write the report of a results folder, and return its file."""
    from ventral.report.folder import report_folder

    return str(report_folder(folder, page))


def run_rule(rule: str, wildcards: Sequence[str], config_files: Sequence[str]) -> str:
    """Run the script of a rule.

    Args:
        rule: its name.
        wildcards: each as NAME=VALUE.
        config_files: of the study.

    Returns:
        The files that the script wrote, one a line.

    Raises:
        InputError: as `run_script`, and if a wildcard has no value.
    """
    from ventral.study.debug import run_script

    pairs = [wildcard.partition("=") for wildcard in wildcards]
    if unset := [name for name, sign, _ in pairs if not sign]:
        raise InputError("command line", unset[0], "no value", "write it as NAME=VALUE")
    return "\n".join(run_script(rule, {name: value for name, _, value in pairs}, config_files))


def write_generated() -> str:
    """Write the files that are generated from the library, and return their names, one a line."""
    from ventral.report.catalogue import catalogue_page
    from ventral.study.reference import generated

    files = generated() | {"docs/catalogue.md": catalogue_page()}
    for name, text in files.items():
        with writing(paths.HOME / name) as temporary:
            temporary.write_text(text)
    return "\n".join(files)


def run_doctor(config_files: Sequence[str]) -> int:
    """Print the checks of the installation and of a study. Return 1 if any failed, else 0."""
    from ventral.study.doctor import examine, report

    return report(examine(config_files))


def list_layers(network: str, config_file: str | Path, patterns: Sequence[str] | None) -> str:
    """Make a table of a network's layers: name, shape of the output for one image, units, whether `auto` selects it.

    Args:
        network: a name under `networks` in the config, or an architecture.
        config_file: of the study. If config.yaml is missing, `network` is an architecture.
        patterns: names or shell patterns of the layers to list. None lists all.

    Raises:
        InputError: if the config has faults, and as `build_network`.
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
    """Predict rates for images with a kept encoder.

    Args:
        folder: of the encoder.
        images: a folder, a zip archive, or image files.
        output: the CSV to write, if any.
        device: "auto", "cpu" or "cuda".
        own_code: as for `read_encoder`.

    Returns:
        The text of the CSV; or one line about it, if it is written to a file.

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
    """Find the entry of a network in a config, with defaults filled in, or make one of an architecture.

    Weights from a file become random ones, since the layers do not depend on them.

    Raises:
        InputError: if the config is not YAML or has faults, or if the network is `labels`.
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
        raise InputError(config_file, network, "labels have no layers", "name another network")
    elsewhere = origin(settings["architecture"], settings["weights"]) in ("file", "address")
    elsewhere |= settings["weights"] == FACES
    return settings | ({"weights": "random"} if elsewhere else {})


if __name__ == "__main__":
    raise SystemExit(main())
