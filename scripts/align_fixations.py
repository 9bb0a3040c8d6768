"""Match every fixation of a session with the image on which it fell."""

from ventral.data.xiao.files import read_image_file, read_recording_ms, tracker_latency
from ventral.data.xiao.fixations import align_fixations
from ventral.files.console import logged
from ventral.files.csv import write_csv

with logged(snakemake.log[0]):
    session = snakemake.wildcards.session
    images = read_image_file(snakemake.input.images)
    fixations = align_fixations(
        session,
        images.fixations,
        images.presentations,
        images.size_dva,
        tracker_latency(session, snakemake.input.rig_info, snakemake.input.eye_latency),
        read_recording_ms(snakemake.input.rasters, images.presentations["start_time"].max()),
    )
    write_csv(fixations, snakemake.output.fixations, digits=None)
