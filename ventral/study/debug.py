"""Run the script of one job in this process, outside Snakemake, where a debugger or a profiler can follow it."""

import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

from snakemake.api import SnakemakeApi
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.jobs import Job
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

from ventral.files.errors import InputError, listed, nearest
from ventral.study import paths


def snakemake_of(rule: str, wildcards: Mapping[str, str], config_files: Sequence[str | Path] = ()) -> SimpleNamespace:
    """Make the object `snakemake` that Snakemake would give the script of a rule.

    Args:
        rule: its name.
        wildcards: their values, such as ``{"dataset": "majaj", "network": "resnet50"}``.
        config_files: of the study. Later files override earlier ones. None given: config.yaml of the current folder.

    Returns:
        `input`, `output`, `params`, `wildcards`, `threads`, `resources`, `log`, `config`, `rule`, and the path of the
        `script`.

    Raises:
        InputError: if there is no such rule, if a wildcard is missing, or if the config has faults.
    """
    files = [Path(file) for file in config_files]
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=files),
                snakefile=paths.HOME / "Snakefile",
            )._workflow
            workflow.dag_settings = DAGSettings()
            names = [known.name for known in workflow.rules]
            if rule not in names:
                raise InputError("Snakefile", rule, "no such rule", nearest(rule, names))
            found = workflow.get_rule(rule)
            if missing := found.wildcard_names - set(wildcards):
                raise InputError("Snakefile", rule, f"missing {listed(sorted(missing))}", "add each as NAME=VALUE")
            job = Job(found, DAG(workflow, rules=workflow.rules), dict(wildcards))
            parts = ("input", "output", "params", "wildcards", "threads", "resources", "log")
            given = {part: getattr(job, part) for part in parts}
        except WorkflowError as error:
            raise InputError("Snakefile", rule, str(error), "correct it") from None
        script = Path(found.basedir.get_path_or_uri(secret_free=True)) / found.script
        return SimpleNamespace(**given, config=workflow.globals["config"], rule=rule, script=script.resolve())


def run_script(rule: str, wildcards: Mapping[str, str], config_files: Sequence[str | Path] = ()) -> list[str]:
    """Run the script of a rule in this process.

    Its inputs must exist already. Snakemake makes them.

    Returns:
        The files that the script wrote.

    Raises:
        InputError: as `snakemake_of`, and if an input is missing.
    """
    job = snakemake_of(rule, wildcards, config_files)
    if missing := [file for file in job.input if not Path(file).exists()]:
        raise InputError(rule, "input", f"no file {listed(missing)}", "let Snakemake make it first")
    for file in (*job.output, *job.log):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    runpy.run_path(str(job.script), {"snakemake": job}, run_name="__main__")
    return list(job.output)
