"""The real study on all published sessions, planned only: nothing is downloaded."""

import re

from tests.workflow.conftest import REPO

PUBLISHED = (REPO / "config" / "published.yaml").read_text()
SESSIONS = 679
OF_A_SESSION = ("download_session", "align_fixations", "read_rasters", "count_responses", "bin_psth", "describe_units")


def test_every_published_session_is_planned(tmp_path, snakemake):
    config = tmp_path / "all.yaml"
    text, n = re.subn(r"^( +sessions:) published\b", r"\1 all", PUBLISHED, flags=re.MULTILINE)
    assert n == 1
    config.write_text(text)
    done = snakemake(tmp_path, "--dry-run", "--quiet", "rules", "--configfile", config)
    assert done.returncode == 0, done.stdout
    assert f"{2 * SESSIONS} of {2 * SESSIONS} files to download, 6382.8 MB" in done.stdout
    count = {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", done.stdout, flags=re.MULTILINE)}
    assert {count[rule] for rule in OF_A_SESSION} == {SESSIONS}
    assert count["total"] == sum(n for rule, n in count.items() if rule != "total") > 4300
