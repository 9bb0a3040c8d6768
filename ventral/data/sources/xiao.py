"""Xiao et al. 2024 (DANDI 000628): neurons of the ventral stream of freely viewing monkeys, one file a session.

The rules of `workflow/rules/xiao.smk` make the files that only free viewing needs (fixations, spikes, tables of units,
crops), and join the sessions. They ask this source where its files are.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ventral.data.source import Source
from ventral.files.download import Download
from ventral.files.errors import InputError, listed, nearest
from ventral.files.keys import Count, Text, key

CATALOGUE = Path(__file__).parents[3] / "config" / "xiao_sessions.csv"
MANIFEST = CATALOGUE.with_name("xiao_tables.csv")
NAME = "Xiao et al. 2024, DANDI 000628"
SESSIONS, TABLES, STIMULI, ROIS = "000628", "db", "Stimuli", "ROIs/Stimuli"  # names that the publishers give to folders
SIMILAR = "similar_images.txt"
# The authors' tables that the study reads.
READ = (
    *("sess_rig_info.csv", "rig_eye_latency.csv", "bank_array_regions.csv", "per_unit_latency-fix_on.csv.gz"),
    *("per_unit_rf.csv.gz", SIMILAR),
)
Session = Annotated[str, Field(pattern="^[A-Z][a-z][0-9]{6}(_[0-9])?$")]
Sessions = Annotated[tuple[Session, ...], Field(min_length=1, json_schema_extra={"uniqueItems": True})]


@dataclass(frozen=True, kw_only=True)
class SessionChoice:
    """Conditions that a session must meet."""

    region: Annotated[str | tuple[str, ...] | None, key("regions of the sessions", example=["AIT", "CIT"])] = None
    subject: Annotated[str | tuple[str, ...] | None, key("subjects of the sessions", example="Bo")] = None
    min_units: Annotated[Count | None, key("smallest number of units of a session", example=20)] = None


@dataclass(frozen=True, kw_only=True)
class SimulatedXiao:
    """The size of simulated recordings."""

    n_stimuli: Annotated[int, key("number of images", ge=12)] = 150
    minutes: Annotated[float, key("length of each of four sessions in minutes", ge=0.5)] = 10
    n_units: Annotated[int, key("units of each session", ge=5, le=48)] = 16


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Addresses that replace those of the publishers."""

    dandi: Annotated[Text | None, key("address of the DANDI archive", example="https://api.dandiarchive.org/api")] = (
        None
    )
    osf: Annotated[Text | None, key("address of OSF", example="https://osf.io")] = None
    tables: Annotated[Text | None, key("address of the authors' repository", example="https://github.com")] = None


@dataclass(frozen=True, kw_only=True)
class Xiao(Source):
    """Xiao et al. 2024: free viewing, V1 to AIT (DANDI 000628)."""

    several_sessions: ClassVar[bool] = True

    source: Annotated[
        Literal["simulated", "files", "dandi"],
        key("simulated: written by the study, from known tuning; dandi: downloaded; files: local copies"),
    ]
    path: Annotated[Path | None, key("folder of the sessions", example="000628")] = None
    tables: Annotated[Path | None, key("folder of the authors' tables", example="db")] = None
    stimuli: Annotated[Path | None, key("folder of the images", example="stimuli")] = None
    sessions: Annotated[
        Literal["all", "published"] | Sessions | SessionChoice,
        key(
            "sessions that are read",
            "give session names such as An220105, all, published, or {region: .., subject: .., min_units: ..}",
            ["An220105"],
        ),
    ] = "published"
    latency_ms: Annotated[
        Literal["table"] | Annotated[float, Field(ge=0)],
        key("latency of the counting window in ms; table: for each unit from the authors' table; or a number for all"),
    ] = "table"
    window_ms: Annotated[int, key("length of the counting window in ms", ge=1)] = 200
    fixations: Annotated[
        Literal["all", "zeroth", "nonzeroth"], key("fixations that count; zeroth: under way when the image appeared")
    ] = "all"
    bin_ms: Annotated[int, key("width of the bins of rates around onsets in ms", ge=1, le=200)] = 10
    permutations: Annotated[int, key("permutations for the p of self-consistency", ge=100)] = 1000
    image_size: Annotated[int, key("side in pixels of the squares into which images are fitted", ge=16)] = 256
    crop_degrees: Annotated[
        float | None,
        key(
            "stimuli are crops of the images at single fixations, of this side in degrees; absent: whole images",
            example=4,
            ge=0.1,
            le=60,
        ),
    ] = None
    fixations_per_session: Annotated[int, key("largest number of single fixations of a session", ge=12)] = 500
    servers: Annotated[Servers | None, key("addresses that replace those of the publishers")] = None
    simulation: Annotated[SimulatedXiao, key("size of the simulated recordings")] = field(default_factory=SimulatedXiao)

    @property
    def has_categories(self) -> bool:
        return True  # faces and others, from the regions of interest; only joined responses have them, not the images

    @property
    def n_images(self) -> int | None:
        if self.crop_degrees is not None:
            return self.fixations_per_session * len(self.stems)
        return self.simulation.n_stimuli if self.is_simulated else None

    @property
    def is_simulated(self) -> bool:
        return self.source == "simulated"

    @property
    def has_images(self) -> bool:
        return self.source != "files" or self.stimuli is not None

    @property
    def has_rdms(self) -> bool:
        return self.crop_degrees is None  # fixations on one image are not independent stimuli

    @property
    def has_faces(self) -> bool:
        from ventral.data.xiao.layout import ANNOTATED

        whole = self.has_images and self.crop_degrees is None
        return whole and any(session[:2] in ANNOTATED for session in self.stems)

    @property
    def name(self) -> str:
        """The name of the recordings in tables and figures."""
        return "simulated" if self.is_simulated else NAME

    @property
    def home(self) -> str:
        """The folder of simulated or downloaded files."""
        return self.places.simulated if self.is_simulated else self.places.downloaded

    @cached_property
    def recorded(self) -> str:
        """The folder of the files of sessions.

        Raises:
            InputError: if the folder that the config names holds no sessions.
        """
        if self.path is None:
            return f"{self.home}/{SESSIONS}"
        from ventral.data.xiao.files import find_sessions_folder

        return find_sessions_folder(self.path)

    @cached_property
    def table_folder(self) -> str:
        """The folder of the authors' tables."""
        if self.tables is None:
            return f"{self.home}/{TABLES}"
        from ventral.data.xiao.files import find_tables_folder

        return find_tables_folder(self.tables)

    @property
    def stimulus_folder(self) -> str | None:
        """The folder of the images, or None if there is none."""
        if self.stimuli is not None:
            return str(self.stimuli)
        return None if self.source == "files" else f"{self.home}/{STIMULI}"

    @property
    def regions_folder(self) -> str:
        """The folder of the regions of interest, such as faces, in the images."""
        return f"{self.table_folder}/{ROIS}"

    def table(self, name: str) -> str:
        """One of the authors' tables."""
        return f"{self.table_folder}/{name}"

    def session_file(self, session: str, kind: str = "") -> str:
        """The file of a session: with its rasters, or with stimuli and gaze if `kind` is "_image"."""
        return f"{self.recorded}/{self.stems[session]}{kind}.nwb"

    def session_files(self, kind: str = "") -> list[str]:
        """`session_file` of every session."""
        return [self.session_file(session, kind) for session in self.stems]

    @cached_property
    def stems(self) -> dict[str, str]:
        """The stem of the files of each session of the study, by the name that the authors give to the session.

        Raises:
            InputError: if a session is unknown, or several files of its day could be its own.
        """
        if self.is_simulated:
            from ventral.data.xiao.simulated_sessions import SESSIONS as SIMULATED

            chosen = self.sessions if isinstance(self.sessions, tuple) else tuple(SIMULATED)
            return {session: SIMULATED[session] for session in chosen}
        if self.source == "dandi":
            from ventral.data.xiao.sessions import choose_sessions, read_sessions

            catalogue = read_sessions(CATALOGUE)
            known = choose_sessions(catalogue, self.wanted)
            return {session: str(catalogue.loc[session, "stem"]) for session in known}
        from ventral.data.xiao.files import list_stems, session_stem

        listed_in, stems = Path(self.table_folder, "sessions.txt"), list_stems(self.recorded)
        assert isinstance(self.sessions, tuple)  # `faults` checks this
        return {session: session_stem(session, listed_in, stems, self.recorded) for session in self.sessions}

    @property
    def wanted(self) -> Any:
        """The key `sessions` in the form that `choose_sessions` takes."""
        if not isinstance(self.sessions, SessionChoice):
            return self.sessions
        return {name: value for name, value in asdict(self.sessions).items() if value is not None}

    def region_files(self) -> list[str]:
        """The files and folders of the regions of interest, as the rules that make them name them."""
        from ventral.data.scenes.compose import FACE_TABLE
        from ventral.data.xiao.simulated_sessions import SIMULATED_FOLDERS

        if not self.is_simulated:
            return [self.regions_folder]
        made = [f"{TABLES}/{FACE_TABLE}", *(folder for folder in SIMULATED_FOLDERS if folder != STIMULI)]
        return [f"{self.places.simulated}/{name}" for name in made]

    def from_outside(self) -> list[str]:
        if self.is_simulated:
            return []
        sessions = [self.session_file(session, kind) for session in self.stems for kind in ("", "_image")]
        folders = [folder for folder in (self.stimulus_folder, self.regions_folder) if folder is not None]
        return [*sessions, *folders, *map(self.table, READ)]

    def downloads(self) -> Iterator[Download]:
        if self.source != "dandi":
            return
        from ventral.data.xiao.dandi import DANDI_API, OSF_LISTING
        from ventral.data.xiao.dandi import TABLES as ADDRESSES
        from ventral.data.xiao.sessions import left_to_download, read_sessions

        servers = self.servers or Servers()
        left = left_to_download(read_sessions(CATALOGUE), self.stems, self.recorded)
        if left and self.path is None:
            what = f"xiao, {len(left)} files of sessions"
            yield Download(what, (servers.dandi or DANDI_API,), sum(left.values()), server=True)
        if self.stimulus_folder is not None and not Path(self.stimulus_folder).is_dir():
            yield Download("xiao, the stimuli", (servers.osf or OSF_LISTING,), server=True)
        if not Path(self.table_folder).is_dir():
            urls = (servers.tables,) if servers.tables else ADDRESSES
            yield Download("xiao, the authors' tables", urls)

    def download_plan(self) -> str:
        """Describe in one line which sessions and archives are still to be downloaded."""
        from ventral.data.xiao.sessions import download_plan, read_sessions

        folders = {"stimuli": self.stimulus_folder, "tables": self.table_folder}
        archives = [name for name, folder in folders.items() if folder is not None and not Path(folder).is_dir()]
        beside = f"; and the archives of {', '.join(archives)}" if archives else ""
        return download_plan(read_sessions(CATALOGUE), self.stems, self.recorded) + beside

    def faults(self) -> Iterator[str]:
        given = [name for name in ("path", "tables", "stimuli") if getattr(self, name) is not None]
        if self.sessions == SessionChoice():
            yield "sessions: has no condition; give region, subject or min_units"
        if self.is_simulated and given:
            yield f"{given[0]}: is only for source: files or dandi; leave it out"
        if self.is_simulated:
            from ventral.data.xiao.simulated_sessions import SESSIONS as SIMULATED

            if isinstance(self.sessions, SessionChoice):
                yield "sessions: conditions are only for source: dandi; give session names, or leave sessions out"
            unknown = set(self.sessions) - set(SIMULATED) if isinstance(self.sessions, tuple) else set()
            yield from (
                f"sessions: no simulated session {name!r}; {nearest(name, SIMULATED)}" for name in sorted(unknown)
            )
        if self.source == "files":
            if missing := [name for name in ("path", "tables") if name not in given]:
                yield f"source: files needs {listed(missing)}; add the path of each"
            if not isinstance(self.sessions, tuple):
                yield "sessions: source: files needs a list of sessions; give session names such as An220105"
        elif self.source == "dandi" and self.wanted:
            from ventral.data.xiao.sessions import choose_sessions, read_sessions

            try:
                choose_sessions(read_sessions(CATALOGUE), self.wanted)
            except InputError as fault:
                yield f"{fault.field}: {fault.problem}; {fault.remedy}"


SOURCE = Xiao
