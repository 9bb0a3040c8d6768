"""Count the spikes of every unit of a session after fixations. Average over fixations on an image, or keep each."""

from ventral.data.responses import check_responses, write_responses
from ventral.data.xiao.files import locate_units
from ventral.data.xiao.fixations import read_fixations
from ventral.data.xiao.responses import session_responses, unit_latencies
from ventral.data.xiao.spikes import read_spikes
from ventral.files.console import logged

with logged(snakemake.log[0]):
    session, params = snakemake.wildcards.session, snakemake.params
    fixations = read_fixations(snakemake.input.fixations)
    names, spikes, recording_ms = read_spikes(snakemake.input.spikes)
    units = locate_units(session, names, snakemake.input.bank_regions, snakemake.input.spikes)
    responses = session_responses(
        session,
        fixations,
        units,
        spikes,
        recording_ms,
        latency_ms=unit_latencies(session, units, snakemake.input.unit_latency, params.latency_ms),
        window_ms=params.window_ms,
        kind=params.fixations,
        seed=params.seed,
        n_fixations=params.fixations_per_session,
        source=params.source,
    )
    check_responses(responses, snakemake.input.spikes)
    write_responses(responses, snakemake.output.responses)
