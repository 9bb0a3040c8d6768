"""Read the mean rates of the course file, with reliabilities from the assembly where it is at hand."""

from ventral.data.majaj.course import read_course_responses
from ventral.data.responses import write_responses
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files = snakemake.input
    published = (files.assembly, files.stimuli) if files.get("assembly") else None
    write_responses(read_course_responses(files.course, published, snakemake.params.seed), snakemake.output.responses)
