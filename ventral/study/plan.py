"""What a study is: the datasets, networks, readouts and encoders that its config asks for, and the files they lead to.

This module neither uses Snakemake nor reads recordings. Rules, tables, figures, the doctor and the report all ask it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ventral.data.source import Source
from ventral.files.download import Download
from ventral.files.errors import nearest
from ventral.networks.published import DOWNLOADED, STUDY, is_reference, origin, weights_key
from ventral.readouts.catalogue import kind_of, readout_class
from ventral.study import paths
from ventral.study.imports import own_code

QUICK = "linear"  # name of the job that fits all quick readouts of a network
HYBRID = ("swin_t", "resnet50")  # the networks of torchvision whose weights a pretrained hybrid starts from
REPORTED = (  # keys of the config that the report shows
    *("seed", "bootstrap", "interval_over", "split", "protocols", "min_reliability"),
    *("download_weights", "networks", "readouts", "trained"),
)
NOT_FOR_CHECKS = ("layers", "keep", "with_category", "category_scale")  # keys of a network that its weights do not need
FOR_TRAINING = ("architecture", "image_size", "mean", "std", "seed")  # keys of a network that training on faces reads


@dataclass(frozen=True)
class FitJob:
    """Readouts that one job fits together, because they share the decompositions of a network's layers.

    Attributes:
        name: `QUICK`, or the name of a readout that has a job of its own.
        readouts: their names.
        networks: the networks that have exactly these readouts.
    """

    name: str
    readouts: tuple[str, ...]
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """A study: all that its config asks for.

    Attributes:
        config: checked, with defaults filled in (`ventral.study.config.complete`).
        datasets: the recordings, by name.
        code_folders: folders in which packages of the user's own code are searched.
    """

    config: Mapping[str, Any]
    datasets: Mapping[str, Source]
    code_folders: Sequence[Path] = ()

    # Datasets.

    @cached_property
    def with_images(self) -> list[str]:
        """Datasets whose images are available, so that networks can run."""
        return [name for name, source in self.datasets.items() if source.has_images]

    @cached_property
    def with_encoders(self) -> list[str]:
        """Datasets with both images and rates, to which encoders can be fitted."""
        return [name for name in self.with_images if self.datasets[name].has_rates]

    @cached_property
    def with_rdms(self) -> list[str]:
        """Datasets whose stimuli have representational dissimilarity matrices."""
        return [name for name, source in self.datasets.items() if source.has_rdms]

    @cached_property
    def with_categories(self) -> list[str]:
        """Datasets whose responses are labelled with categories."""
        return [name for name, source in self.datasets.items() if source.has_categories]

    @cached_property
    def with_sessions(self) -> list[str]:
        """Datasets of several sessions, each with its own files."""
        return [name for name, source in self.datasets.items() if source.several_sessions]

    @cached_property
    def fetched(self) -> dict[tuple[str, str], Download]:
        """The files of recordings that one rule downloads, by kind and name. Datasets of a kind share them."""
        sources = self.datasets.values()
        return {(source.kind, name): download for source in sources for name, download in source.fetched().items()}

    @cached_property
    def faces_dataset(self) -> str | None:
        """The dataset on whose images networks learn to detect faces.

        It is the one that the config names, or else the first with labelled faces. None if there is none.
        """
        asked = self.config["hmo"].get("dataset")
        return asked or next((name for name in self.with_encoders if self.datasets[name].has_faces), None)

    def faults(self) -> list[str]:
        """Find faults that show only once the datasets are known, one line each."""
        asked = self.config["hmo"].get("dataset")
        if asked is not None and asked not in self.datasets:
            return [f"hmo.dataset: no dataset {asked!r}; {nearest(asked, self.datasets)}"]
        if asked is not None and not self.datasets[asked].has_faces:
            return [f"hmo.dataset: {asked} has no whole images with labelled faces; name another, or leave it out"]
        if self.with_encoders and not self.faces_dataset and all(map(self.learns_faces, self.config["networks"])):
            what = "all of them learn to detect faces, and no dataset has images with labelled faces"
            return [f"networks: {what}; add another network"]
        return []

    # Networks.

    def networks_of(self, dataset: str) -> list[str]:
        """The networks that can run on a dataset. Some need labelled stimuli, some need faces to learn from."""
        labels = self.datasets[dataset].labels
        return [
            name
            for name, settings in self.config["networks"].items()
            if settings.get("with_category") in {None, *labels}
            and (labels or settings["architecture"] != "labels")
            and (self.faces_dataset or not self.learns_faces(name))
        ]

    def learns_faces(self, network: str) -> bool:
        """Whether the study itself trains a network to detect faces."""
        settings = self.config["networks"].get(network)
        return settings is not None and origin(settings["architecture"], settings["weights"]) == "study"

    @cached_property
    def face_networks(self) -> list[str]:
        """The networks that the study trains to detect faces."""
        return [name for name in self.config["networks"] if self.faces_dataset and self.learns_faces(name)]

    @cached_property
    def hmo_networks(self) -> list[str]:
        """Those of `face_networks` that are HMO. All share one trained model."""
        return [name for name in self.face_networks if self.config["networks"][name]["architecture"] in STUDY]

    def face_scores(self) -> list[str]:
        """The files that say how well each of these networks detects faces; HMO's is one file, whatever its names."""
        hmo = [f"{paths.HMO}/scores.csv"] if self.hmo_networks else []
        rivals = [name for name in self.face_networks if name not in self.hmo_networks]
        return hmo + [f"{paths.FACE_NETWORK.format(network=name)}/scores.csv" for name in rivals]

    def grams_of(self, dataset: str) -> list[str]:
        """The Gram matrices of the networks that run on a dataset; none where its images are not at hand."""
        networks = self.networks_of(dataset) if dataset in self.with_images else []
        return [paths.GRAMS.format(dataset=dataset, network=network) for network in networks]

    @property
    def references(self) -> list[str]:
        """Networks that are not models of vision, such as pixels, labels and networks with random weights."""
        download = self.config["download_weights"]
        return [name for name, network in self.config["networks"].items() if is_reference(network, download)]

    # Weights and code.

    def is_downloaded(self, settings: Mapping[str, Any]) -> bool:
        """Whether the study downloads the weights that a network's entry names."""
        where = origin(settings["architecture"], settings["weights"])
        return where in DOWNLOADED and bool(self.config["download_weights"])

    @cached_property
    def claim_training(self) -> list[str]:
        """Networks that should have trained weights. A check compares each with a copy that has random weights."""
        return [
            name
            for name, settings in self.config["networks"].items()
            if self.is_downloaded(settings)
            or origin(settings["architecture"], settings["weights"]) in ("package", "file")
        ]

    @cached_property
    def to_download(self) -> dict[str, dict[str, Any]]:
        """Weights to download: file name to an entry with `architecture` and `weights`."""
        entries = [settings for settings in self.config["networks"].values() if self.is_downloaded(settings)]
        if self.config["download_weights"] and any(map(_starts_pretrained, self.config["trained"].values())):
            entries += [{"architecture": name, "weights": "pretrained"} for name in HYBRID]
        return {weights_key(entry["architecture"], entry["weights"]): entry for entry in entries}

    def weights_file(self, network: str) -> str | None:
        """The file of a network's weights. None if they are random or come with an installed package."""
        settings = self.config["networks"][network]
        architecture, weights = settings["architecture"], settings["weights"]
        if self.is_downloaded(settings):
            return paths.WEIGHTS.format(key=weights_key(architecture, weights))
        if self.learns_faces(network):
            folder = paths.HMO if architecture in STUDY else paths.FACE_NETWORK.format(network=network)
            return f"{folder}/state.pt"
        return weights if origin(architecture, weights) == "file" else None

    def settings_for_check(self, network: str) -> dict[str, Any]:
        """The keys of a network by which its weights are checked: a change of another key checks nothing again."""
        return {key: value for key, value in self.config["networks"][network].items() if key not in NOT_FOR_CHECKS}

    def settings_for_training(self, network: str) -> dict[str, Any]:
        """The keys of a network that training on faces reads: a change of another key trains nothing again."""
        return {key: value for key, value in self.config["networks"][network].items() if key in FOR_TRAINING}

    def own_code(self, network: str) -> list[str]:
        """The user's own code of a network, with all files that it imports. Empty for architectures of packages."""
        settings = self.config["networks"][network]
        source = settings["architecture"].rpartition(":")[0]
        if not source:
            return []
        own = [Path(settings["python_path"]).expanduser()] if "python_path" in settings else []
        return sorted({os.path.relpath(file) for file in own_code(source, [*own, Path(), *self.code_folders])})

    # Readouts.

    def readouts_of(self, network: str) -> list[str]:
        """The readouts of a network. A readout with the key `networks` is only for the networks that it names."""
        return [
            name for name, readout in self.config["readouts"].items() if network in readout.get("networks", [network])
        ]

    def code_of_readouts(self, readouts: Iterable[str]) -> list[str]:
        """The library files of these readouts. Jobs depend on them alone, so an edit of one kind refits no other."""
        return sorted({f"readouts/{kind_of(self.config['readouts'][name])}.py" for name in readouts})

    def readout_settings(self, readout: str) -> dict[str, Any]:
        """A readout's entry without the key `networks`, so that adding a network refits no other."""
        return {key: value for key, value in self.config["readouts"][readout].items() if key != "networks"}

    def fit_jobs(self) -> list[FitJob]:
        """The jobs that fit readouts: one for all quick readouts of a network, one for each slow readout."""
        found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for network in self.config["networks"]:
            names = sorted(self.readouts_of(network))
            slow = [name for name in names if readout_class(kind_of(self.config["readouts"][name])).is_slow]
            quick = tuple(name for name in names if name not in slow)
            for job in [(QUICK, quick)] * bool(quick) + [(name, (name,)) for name in slow]:
                found.setdefault(job, []).append(network)
        return [FitJob(name, readouts, tuple(networks)) for (name, readouts), networks in found.items()]

    # Encoders trained by gradient descent.

    @cached_property
    def trained(self) -> dict[str, dict[str, Any]]:
        """Entries of the encoders that are trained on the neurons, by encoder: NAME-HEAD."""
        return {f"{name}-{entry['head']}": entry for name, entry in self.config["trained"].items()}

    def trained_of(self, dataset: str) -> list[str]:
        """The trained encoders of a dataset. Those that also learn categories need labelled stimuli."""
        is_labelled = self.datasets[dataset].labels or self.datasets[dataset].has_categories
        return [
            name
            for name, entry in self.trained.items()
            if dataset in entry.get("datasets", self.datasets)
            and (is_labelled or not entry["category_weight"])
            and (self.faces_dataset or not self.learns_faces(entry["network"]))
        ]

    def trained_from(self, encoder: str) -> list[str]:
        """Files of the weights that training starts from. Empty if they are random or come with a package."""
        entry = self.trained[encoder]
        if entry["network"] in self.config["networks"]:
            file = self.weights_file(entry["network"])
            return [file] if file else []
        if not _starts_pretrained(entry) or not self.config["download_weights"]:
            return []
        return [paths.WEIGHTS.format(key=weights_key(name, "pretrained")) for name in HYBRID]

    def own_code_of_trained(self, encoder: str) -> list[str]:
        """The user's own code of the network that is trained."""
        network = self.trained[encoder]["network"]
        return self.own_code(network) if network in self.config["networks"] else []

    # Results of the study.

    def encoders(self) -> Iterator[tuple[str, str]]:
        """All encoders of the study: dataset and file of predictions of each."""
        for dataset in self.with_encoders:
            names = [f"{network}-{name}" for network in self.networks_of(dataset) for name in self.readouts_of(network)]
            for protocol in self.config["protocols"]:
                for encoder in [*names, *self.trained_of(dataset)]:
                    yield dataset, paths.PREDICTIONS.format(dataset=dataset, protocol=protocol, encoder=encoder)

    def tables(self) -> list[str]:
        """The files of all tables."""
        names = ["provenance.json"]
        names += ["rsa", "left_out"] if self.with_rdms else []
        names += [f"{dataset}_units" for dataset in self.with_sessions]
        names += ["faces"] if self.face_networks else []
        if self.with_encoders:
            pages = [f"{table}.{suffix}" for table in ("summary", "reproduction") for suffix in ("csv", "md", "tex")]
            names += ["scores", "layers", "weights", *pages]
        return [paths.table(name) for name in names]

    def missing_stimuli(self) -> list[str]:
        """Of each dataset of several sessions, the file that lists the stimuli whose images are not at hand."""
        return [paths.MISSING_STIMULI.format(dataset=name) for name in self.with_sessions if name in self.with_images]

    def reported_settings(self) -> dict[str, Any]:
        """The keys of the config that the report shows."""
        return {key: self.config[key] for key in REPORTED}

    # Files from outside the study.

    def recordings_from_outside(self) -> dict[str, list[str]]:
        """Files and folders of each dataset that the user gave or the study downloads. Empty if it is simulated."""
        return {name: source.from_outside() for name, source in self.datasets.items()}

    def weights_from_outside(self) -> dict[str, list[str]]:
        """Files of weights and code that the user gave or the study downloads, by network or trained encoder."""
        found: dict[str, list[str]] = {}
        for network in self.config["networks"]:
            file = None if self.learns_faces(network) else self.weights_file(network)
            found[network] = [*([file] if file else []), *self.own_code(network)]
        for encoder, entry in self.trained.items():
            if entry["network"] not in self.config["networks"]:
                found[encoder] = self.trained_from(encoder)
        return {name: files for name, files in found.items() if files}


def _starts_pretrained(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of `trained` starts from published weights, as a hybrid may."""
    return bool(entry.get("weights", "random") != "random")
