"""Pack the images of a dataset in one file. All later matrices have their order."""

from ventral.data.alike import tell_alike
from ventral.data.images import write_images
from ventral.data.kinds import find_kind
from ventral.files.console import logged

with logged(snakemake.log[0]):
    files, params = dict(snakemake.input.items()), snakemake.params
    pictures = find_kind(params.kind).read_images(files, **params.settings)
    groups = tell_alike(pictures.pixels, pictures.stimulus_id, files.get("images", snakemake.wildcards.dataset))
    labels = {**pictures.labels, "stimulus_group": groups}
    write_images(snakemake.output.images, pictures.pixels, pictures.stimulus_id, labels)
