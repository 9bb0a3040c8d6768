"""RDMs of regions and layers are made, compared, written and read."""

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from ventral.gram.file import write_gram, writing_grams
from ventral.gram.matrix import Gram, gram_of
from ventral.similarity import CATEGORY
from ventral.similarity.cka import linear_cka, make_kernel
from ventral.similarity.comparisons import COMPARISON
from ventral.similarity.file import read_comparisons, read_layer_rdm, read_rdms, write_similarity
from ventral.similarity.measures import spearman
from ventral.similarity.models import pair_layers
from ventral.similarity.rdms import correlation_rdm, neural_gram, rdm_reliability
from ventral.similarity.regions import region_rdms

N = 24
REGION = np.array(["V4"] * 8 + ["IT"] * 12)


def random_rdm(seed: int, n: int = N) -> np.ndarray:
    return squareform(pdist(np.random.default_rng(seed).normal(size=(n, 30)), "correlation"))


def recorded(missing=()) -> xr.Dataset:
    """Both regions carry one signal; the `missing` pairs of region and stimulus lack the response of one neuroid."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(N, 4)) @ rng.normal(size=(4, len(REGION)))
    half = signal + 0.3 * rng.normal(size=(2, *signal.shape))
    for region, stimulus in missing:
        half[:, stimulus, np.flatnonzero(region == REGION)[0]] = np.nan
    return xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), half.mean(axis=0)),
            "rate_half": (("half", "stimulus", "neuroid"), half),
            "n_presentations": (("stimulus", "neuroid"), 2 * np.isfinite(half[0])),
        },
        coords={
            "stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]),
            "category_name": ("stimulus", ["Faces", "Fruits"] * (N // 2)),
            "region": ("neuroid", REGION),
            "noise_variance": ("neuroid", np.full(len(REGION), 0.09)),
        },
        attrs={"source": "simulated"},
    )


def published() -> xr.Dataset:
    rdm = np.stack([random_rdm(1), random_rdm(2)])
    return xr.Dataset(
        {"rdm": (("region", "stimulus", "stimulus_2"), rdm)},
        coords={"stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]), "region": ["monkey IT", "human IT"]},
        attrs={"source": "published"},
    )


def random_gram(seed: int) -> Gram:
    return gram_of(np.random.default_rng(seed).normal(size=(N, 30)))


MODELS = [("net", "late", random_gram(3)), ("net", "early", random_gram(4)), ("pixels", "pixels", random_gram(5))]


def written(path, responses, n_draws=100, seed=0):
    write_similarity(path, responses, region_rdms(responses), iter(MODELS), n_draws, seed)
    return path


def networks(table):
    """The rows of networks, without those of labels."""
    return table[table["compared_with"] != CATEGORY]


def test_published_rdms_are_taken_as_they_are():
    found = region_rdms(published())
    assert [region.region for region in found] == ["monkey IT", "human IT"]
    for region, seed in zip(found, (1, 2), strict=True):
        np.testing.assert_array_equal(region.rdm, random_rdm(seed))
        np.testing.assert_array_equal(region.stimuli, range(N))
        assert np.isnan(region.reliability)


def test_rdms_of_rates_are_correlation_distances_of_z_scores():
    responses = recorded()
    found = region_rdms(responses)
    assert [region.region for region in found] == ["IT", "V4"]
    for region in found:
        rate = responses["rate"].values[:, region.region == REGION]
        z = (rate - rate.mean(axis=0)) / rate.std(axis=0)
        np.testing.assert_allclose(region.rdm, squareform(pdist(z, "correlation")), atol=1e-9)
        halves = responses["rate_half"].values[:, :, region.region == REGION]
        assert region.reliability == rdm_reliability(halves)
        assert 0.5 < region.reliability < 1


def test_stimuli_that_a_neuroid_missed_are_left_out_of_its_region_alone():
    responses = recorded(missing=[("V4", 3), ("V4", 10)])
    it, v4 = region_rdms(responses)
    np.testing.assert_array_equal(it.stimuli, range(N))
    np.testing.assert_array_equal(v4.stimuli, np.setdiff1d(np.arange(N), [3, 10]))
    assert v4.rdm.shape == (22, 22)
    np.testing.assert_array_equal(region_rdms(recorded())[0].rdm, it.rdm)


def test_a_neuroid_that_missed_nearly_all_stimuli_costs_its_region_none():
    v4 = region_rdms(recorded(missing=[("V4", i) for i in range(N - 2)]))[1]
    whole = region_rdms(recorded())[1]
    np.testing.assert_array_equal(v4.stimuli, range(N))
    assert spearman(squareform(v4.rdm), squareform(whole.rdm)) > 0.9


def test_single_presentations_leave_the_reliability_unknown(tmp_path):
    responses = recorded()
    responses["rate_half"].values[1] = np.nan
    assert all(np.isnan(region.reliability) for region in region_rdms(responses))
    assert read_comparisons(written(tmp_path / "s.h5", responses), "d")["ceiling"].isna().all()


def test_what_is_written_is_read(tmp_path):
    responses = recorded(missing=[("V4", 3)])
    path = written(tmp_path / "s.h5", responses)
    regions, labels, source = read_rdms(path)
    assert source == "simulated"
    assert set(labels) == {"stimulus_id", "category_name"}
    for name, values in labels.items():
        np.testing.assert_array_equal(values, responses[name].values)
    for found, expected in zip(regions, region_rdms(responses), strict=True):
        assert (found.region, found.reliability) == (expected.region, expected.reliability)
        np.testing.assert_array_equal(found.stimuli, expected.stimuli)
        np.testing.assert_allclose(found.rdm, expected.rdm, atol=1e-6)
    for network, layer, gram in MODELS:
        np.testing.assert_allclose(read_layer_rdm(path, network, layer), correlation_rdm(gram), atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == ["s.h5"]


def test_comparisons_are_spearman_correlations_of_the_rdms(tmp_path):
    responses = recorded(missing=[("V4", 3)])
    table = networks(read_comparisons(written(tmp_path / "s.h5", responses), "majaj"))
    assert list(table.columns) == ["dataset", "source", *COMPARISON]
    assert set(table["dataset"]) == {"majaj"}
    assert set(table["source"]) == {"simulated"}
    # Regions of different stimuli are not compared; networks come in the order given, layers in theirs, then regions.
    assert list(zip(table["compared_with"], table["layer"], table["region"], strict=True)) == [
        *(("net", "late", "IT"), ("net", "late", "V4"), ("net", "early", "IT"), ("net", "early", "V4")),
        *(("pixels", "pixels", "IT"), ("pixels", "pixels", "V4")),
    ]
    assert list(table["depth"]) == [0, 0, 1, 1, 0, 0]
    assert table["depth"].dtype.kind == table["n_stimuli"].dtype.kind == "i"
    rdms = {layer: correlation_rdm(gram) for _, layer, gram in MODELS}
    regions = {region.region: region for region in region_rdms(responses)}
    for row in table.to_dict("records"):
        region = regions[row["region"]]
        model = rdms[row["layer"]][np.ix_(region.stimuli, region.stimuli)]
        upper = np.triu_indices(len(region.stimuli), 1)
        assert row["spearman"] == pytest.approx(spearmanr(region.rdm[upper], model[upper]).statistic, abs=1e-9)
        assert row["low"] <= row["spearman"] <= row["high"]
        assert row["n_stimuli"] == len(region.stimuli)
        assert row["ceiling"] == pytest.approx(np.sqrt(region.reliability))


def test_cka_of_every_region_and_layer_stands_beside(tmp_path):
    responses = recorded(missing=[("V4", 3)])
    grams = {layer: gram for _, layer, gram in MODELS}
    table = networks(read_comparisons(written(tmp_path / "s.h5", responses), "d"))
    for row in table.to_dict("records"):
        here = responses["rate"].values[:, row["region"] == REGION]
        seen = np.flatnonzero(np.isfinite(here).all(axis=1))
        inner = grams[row["layer"]].inner[np.ix_(seen, seen)]
        expected = linear_cka(make_kernel(neural_gram(here[seen]).inner), make_kernel(inner))
        for name, value in zip(("cka", "cka_unbiased"), expected, strict=True):
            assert row[name] == pytest.approx(value[0], abs=1e-6)
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
    alike = read_comparisons(written(tmp_path / "alike.h5", recorded()), "d").iloc[0]  # two regions, one signal
    assert alike["cka_unbiased_low"] > 0.5 > table["cka_unbiased_high"].max()


def test_cka_needs_rates(tmp_path):
    table = read_comparisons(written(tmp_path / "s.h5", published()), "d")
    columns = [name for name in COMPARISON if name.startswith("cka")]
    assert len(columns) == 6
    assert table[[*columns, "crossnobis"]].isna().all(axis=None)
    assert table["spearman"].notna().all()


def test_a_dead_layer_is_alike_to_nothing(tmp_path):
    responses = recorded()
    dead = gram_of(np.full((N, 7), 3.0))
    write_similarity(tmp_path / "s.h5", responses, region_rdms(responses)[:1], [("net", "dead", dead)], 100, 0)
    row = read_comparisons(tmp_path / "s.h5", "d").iloc[0]
    np.testing.assert_array_equal(row[["spearman", "crossnobis", "cka", "cka_unbiased"]].astype(float), 0)


@pytest.mark.parametrize("make", [recorded, published])
def test_regions_of_the_same_stimuli_are_compared_first(tmp_path, make):
    responses = make()
    table = read_comparisons(written(tmp_path / "s.h5", responses), "d")
    a, b = region_rdms(responses)
    first = table.iloc[0]
    assert (first["region"], first["compared_with"], first["layer"], first["depth"]) == (a.region, b.region, "", -1)
    upper = np.triu_indices(N, 1)
    assert first["spearman"] == pytest.approx(spearmanr(a.rdm[upper], b.rdm[upper]).statistic, abs=1e-9)
    np.testing.assert_allclose(first["ceiling"], np.sqrt(a.reliability * b.reliability))  # NaN where unknown
    assert (table["layer"] == "").sum() == 1


def test_a_region_is_alike_to_itself(tmp_path):
    responses = recorded()
    region = region_rdms(responses)[0]
    gram = neural_gram(responses["rate"].values[:, region.region == REGION])
    write_similarity(tmp_path / "s.h5", responses, [region], [("net", "same", gram)], 100, 0)
    row = read_comparisons(tmp_path / "s.h5", "d").iloc[0]
    columns = ["spearman", "low", "high", *(name for name in COMPARISON if name.startswith("cka"))]
    np.testing.assert_allclose(row[columns].astype(float), 1, atol=1e-9)


def test_a_region_alone_with_no_model(tmp_path):
    responses = recorded().drop_vars("category_name")
    write_similarity(tmp_path / "s.h5", responses, region_rdms(responses)[:1], [], 100, 0)
    assert read_comparisons(tmp_path / "s.h5", "d").empty
    assert len(read_rdms(tmp_path / "s.h5")[0]) == 1


def test_names_of_regions_are_free_and_their_order_is_kept(tmp_path):
    responses = published()
    responses["region"] = ["V1/V2", "."]
    regions, _, _ = read_rdms(written(tmp_path / "s.h5", responses))
    assert [region.region for region in regions] == ["V1/V2", "."]


def test_a_seed_gives_one_file(tmp_path):
    one, same, other = (
        read_comparisons(written(tmp_path / f"{i}.h5", recorded(), seed=seed), "d") for i, seed in enumerate((0, 0, 1))
    )
    assert one.equals(same)
    assert not one["low"].equals(other["low"])


def test_a_failure_leaves_no_file(tmp_path):
    def models():
        yield MODELS[0]
        raise RuntimeError("stop")

    responses = recorded()
    with pytest.raises(RuntimeError, match="stop"):
        write_similarity(tmp_path / "s.h5", responses, region_rdms(responses), models(), 100, 0)
    assert not list(tmp_path.iterdir())


def test_rdms_are_held_as_their_upper_triangle(tmp_path):
    with h5py.File(written(tmp_path / "s.h5", recorded())) as file:
        assert file["layers/net/late"].shape == file["regions/000/rdm"].shape == (N * (N - 1) // 2,)
        assert file["layers/net/late"].dtype == np.float32


def test_layers_come_on_the_stimuli_of_the_responses_in_their_order(tmp_path):
    features, order = np.random.default_rng(0).normal(size=(N, 30)), np.random.default_rng(1).permutation(N)[:-1]
    for network in ("a", "b"):
        with writing_grams(tmp_path / f"{network}.h5", np.array([f"s{i}" for i in order])) as file:
            for layer in ("early", "late"):
                write_gram(file, layer, gram_of(features[order]))
    lost = (set(range(N)) - set(order)).pop()
    responses, models = pair_layers(recorded(), [tmp_path / "a.h5", tmp_path / "b.h5"])
    assert responses["stimulus_id"].values.tolist() == [f"s{i}" for i in range(N) if i != lost]
    found = list(models)
    assert [model[:2] for model in found] == [("a", "early"), ("a", "late"), ("b", "early"), ("b", "late")]
    expected = correlation_rdm(gram_of(np.delete(features, lost, axis=0)))
    np.testing.assert_allclose(correlation_rdm(found[0][2]), expected, atol=1e-5)


def test_without_networks_all_stimuli_stay():
    responses, models = pair_layers(recorded(), [])
    assert responses.sizes["stimulus"] == N and not list(models)
