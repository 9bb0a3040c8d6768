"""The project's table of sessions, and how studies choose from it."""

import hashlib
from pathlib import Path

import pytest

from ventral.data.xiao.files import session_stem
from ventral.data.xiao.sessions import FILES, PUBLISHED, choose_sessions, download_plan, expected_files, read_sessions
from ventral.files.errors import InputError

CONFIG = Path(__file__).parents[4] / "config"


@pytest.fixture(scope="module")
def table():
    return read_sessions(CONFIG / "xiao_sessions.csv")


def test_the_table_holds_every_session(table):
    assert len(table) == 679
    assert table.index.is_unique
    assert table["stem"].is_unique
    assert table[["V1", "V2", "V4", "PIT", "CIT", "AIT"]].sum(axis=1).equals(table["units"])
    assert {len(sha) for kind in FILES for sha in table[f"{kind}_sha256"]} == {64}
    assert [len(choose_sessions(table, {"region": r})) for r in ("V1", "V2", "V4", "PIT", "CIT", "AIT")] == [
        *(18, 39, 122, 52, 424, 245)
    ]


def test_the_table_agrees_with_the_authors_list(table, shared_data):
    sessions_txt = shared_data / "xiao" / "db" / "sessions.txt"
    for session in table.index[::20]:
        assert session_stem(session, sessions_txt, table["stem"], "table") == table.loc[session, "stem"]


def test_the_table_agrees_with_real_files(table, shared_data):
    row = table.loc["An220105"]
    for kind, expected in expected_files(table, row.stem).items():
        data = (shared_data / "xiao" / "000628" / f"{row.stem}{FILES[kind]}").read_bytes()
        assert expected == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_the_manifest_agrees_with_real_tables(shared_data):
    folder = shared_data / "xiao" / "db"
    listed = dict(line.split(",") for line in (CONFIG / "xiao_tables.csv").read_text().splitlines()[1:])
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert listed == {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_choices(table):
    assert choose_sessions(table, ["Pa210119", "An220105"]) == ["Pa210119", "An220105"]
    assert choose_sessions(table, "An220105") == ["An220105"]
    assert choose_sessions(table, "all") == list(table.index)
    assert choose_sessions(table, "published") == list(PUBLISHED)
    inferotemporal = choose_sessions(table, {"region": "IT"})
    assert set(inferotemporal) == {
        name for r in ("PIT", "CIT", "AIT") for name in choose_sessions(table, {"region": r})
    }
    assert inferotemporal == [name for name in table.index if name in set(inferotemporal)]
    chosen = choose_sessions(table, {"region": ["V1", "V2"], "subject": ["An", "Ye"], "min_units": 20})
    assert chosen
    assert set(chosen) < set(choose_sessions(table, {"subject": ["An", "Ye"]}))
    assert all(table.loc[name, ["V1", "V2"]].sum() >= 20 for name in chosen)


@pytest.mark.parametrize(
    "wanted, said",
    [
        (["An220105", "Pa21011"], "config: sessions: unknown 'Pa21011'; did you mean Pa21"),
        ("publishd", "unknown 'publishd'; did you mean published?"),
        ({"regions": "IT"}, "unknown 'regions'; did you mean region?"),
        ({"region": "CTI"}, "sessions.region: unknown 'CTI'; did you mean CIT?"),
        ({"region": ["IT", "V3"]}, "sessions.region: unknown 'V3'; known are: V1, V2, "),
        ({"subject": "Xx"}, "sessions.subject: unknown 'Xx'; known are: An, "),
        ({"region": "V1", "min_units": 10_000}, "no session with region: V1, min_units: 10000; ask for less"),
    ],
)
def test_choices_without_a_session_are_refused(table, wanted, said):
    with pytest.raises(InputError) as error:
        choose_sessions(table, wanted)
    assert said in str(error.value)


def test_a_file_of_an_unknown_session_is_refused(table):
    with pytest.raises(InputError, match=r"ses-1: no such session; (did you mean|known are) "):
        expected_files(table, "sub-An/sub-An_ses-1")


def test_the_plan_counts_what_is_not_there(table, tmp_path):
    row = table.loc["An220105"]
    assert download_plan(table, PUBLISHED, tmp_path) == "Xiao et al. 2024: 18 of 18 files to download, 36.7 MB"
    (tmp_path / "sub-An").mkdir()
    (tmp_path / f"{row.stem}.nwb").touch()
    assert download_plan(table, ["An220105"], tmp_path) == "Xiao et al. 2024: 1 of 2 files to download, 0.8 MB"
    (tmp_path / f"{row.stem}_image.nwb").touch()
    assert download_plan(table, ["An220105"], tmp_path) == f"Xiao et al. 2024: all 2 files are in {tmp_path}"
