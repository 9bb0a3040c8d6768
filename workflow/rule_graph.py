"""Find which rules of a study read the output of which others."""

from collections.abc import Iterable
from functools import cmp_to_key
from pathlib import PurePath
from typing import Any

from snakemake.rules import Wildcards


def rule_graph(workflow: Any, targets: Iterable[str]) -> list[dict[str, Any]]:
    """Find the rules that some files depend on, as `snakemake --rulegraph` does, with their docstrings.

    Rules with the same script count as one, under the name of the script.

    Args:
        workflow: of Snakemake.
        targets: paths.

    Returns:
        For every rule `rule`, its name; `says`, its docstring; and `after`, the names of the rules whose output it
        reads. Rules that read no other rule's output come first.
    """
    producers: dict[str, Any] = {}
    after: dict[str, set[str]] = {}
    jobs = set()

    def producer(path: str) -> Any:
        if path not in producers:
            able = [rule for rule in workflow.rules if rule.is_producer(path)]
            producers[path] = max(able, key=cmp_to_key(workflow._ruleorder.compare), default=None)
        return producers[path]

    def stage(rule: Any) -> str:
        return PurePath(rule.script).stem if rule.script else str(rule.name)

    def walk(path: str) -> None:
        rule = producer(path)
        if rule is None:
            return
        wildcards = dict(rule.get_wildcards(path))
        job = (rule.name, *sorted(wildcards.items()))
        if job in jobs:
            return
        jobs.add(job)
        files = [str(file) for file in rule.expand_input(Wildcards(fromdict=wildcards))[0]]
        for file in files:
            walk(file)
        after.setdefault(stage(rule), set()).update(stage(found) for file in files if (found := producer(file)))

    for path in targets:
        walk(str(path))
    says = {stage(rule): " ".join((rule.docstring or "").split()) for rule in workflow.rules}
    return [{"rule": name, "says": says[name], "after": sorted(before)} for name, before in after.items()]
