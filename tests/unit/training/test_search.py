"""The search for settings: what it draws, stops early and keeps on disk; a killed search continues where it was."""

import math

import pytest

from ventral.files.errors import InputError
from ventral.training.search import JOURNAL, distribution, is_range, search

OVER = {"learning_rate": [1e-4, 1e-1], "batch": [16, 32, 64], "optimizer": ["adam", "sgd"], "layers": [1, 3]}
START = {"learning_rate": 1e-3, "batch": 32, "optimizer": "adam", "layers": 2}


class Killed(BaseException):
    """As of a signal: nothing in the search may catch it."""


def loss_of(settings):
    """Least at a learning rate of 0.01, with sgd."""
    return (
        (math.log10(settings["learning_rate"]) + 2) ** 2 + (settings["optimizer"] == "adam") + settings["layers"] / 10
    )


def run(folder, objective=None, trials=20, **options):
    """The search, and the settings of the trials that it ran, in order."""
    tried = []

    def recorded(settings, report):
        tried.append(settings)
        return loss_of(settings) if objective is None else objective(settings, report, len(tried))

    arguments = {"trials": trials, "seed": 0, "folder": folder, **options}
    return tried, lambda: search(recorded, OVER, START, **arguments)


def test_the_first_trial_is_the_entry_s_own_and_the_best_no_worse(tmp_path):
    tried, go = run(tmp_path)
    found = go()
    assert tried[0] == START and len(tried) == len(found.losses) == 20
    assert found.losses[0] == pytest.approx(loss_of(START))
    assert found.loss == min(found.losses) < loss_of(START) and found.settings in tried
    for settings in tried:
        assert 1e-4 <= settings["learning_rate"] <= 1e-1 and settings["batch"] in (16, 32, 64)
        assert settings["optimizer"] in ("adam", "sgd") and settings["layers"] in (1, 2, 3)


def test_where_nothing_beats_the_start_it_is_found(tmp_path):
    _, go = run(tmp_path, lambda settings, report, n: 0.0 if n == 1 else 1.0, trials=8)
    assert go().settings == START


def test_a_damaged_journal_is_set_aside(tmp_path, capsys):
    tried, go = run(tmp_path, trials=4)
    undisturbed = go()
    journal = tmp_path / JOURNAL
    data = journal.read_bytes()
    journal.write_bytes(data[:200] + bytes(9) + data[209:])
    assert go() == undisturbed
    assert len(tried) == 8
    assert f"{JOURNAL}: damaged; set aside as trials.old.journal, the search starts afresh" in capsys.readouterr().err


def test_killed_after_eight_trials_it_begins_at_the_ninth(tmp_path, capsys):
    """The trial that was cut is run again; the whole is as if nothing had happened."""
    whole, go = run(tmp_path / "whole")
    undisturbed = go()

    def kill(settings, report, n):
        if n == 9:
            report(1, 5.0)
            raise Killed
        return loss_of(settings)

    before, go = run(tmp_path / "killed", kill)
    with pytest.raises(Killed):
        go()
    with open(tmp_path / "killed" / JOURNAL, "a") as file:
        file.write('{"op_code": 5, "cut in the midd')  # and the lock was held
    (tmp_path / "killed" / f"{JOURNAL}.lock").touch()
    capsys.readouterr()
    after, go = run(tmp_path / "killed")
    found = go()
    assert capsys.readouterr().err.startswith("search: trial 9 of 20")
    assert len(after) == 12 and before + after[1:] == whole
    assert found == undisturbed


def test_a_finished_search_tries_nothing_more(tmp_path):
    _, go = run(tmp_path, trials=5)
    found = go()
    tried, go = run(tmp_path, trials=5)
    assert go() == found and not tried


def test_trials_of_another_objective_are_left_aside(tmp_path, capsys):
    run(tmp_path, trials=3)[1]()
    tried, go = run(tmp_path, trials=3, identity="other")
    go()
    assert len(tried) == 3 and "starts afresh" in capsys.readouterr().err


def test_trials_worse_than_the_median_are_given_up(tmp_path, capsys):
    def objective(settings, report, n):
        for epoch in range(1, 11):
            report(epoch, 1.0 if n <= 8 else 2.0)
        return 1.0 if n <= 8 else 2.0

    _, go = run(tmp_path, objective, trials=10)
    assert go().losses == [1.0] * 8 + [None] * 2
    assert "given up at epoch" in capsys.readouterr().err


def test_trials_that_fail_count_as_infinitely_bad(tmp_path):
    def objective(settings, report, n):
        if n > 1:
            raise InputError("net", "epoch 1", "the loss is nan", "lower learning_rate")
        return 1.0

    found = run(tmp_path, objective, trials=4)[1]()
    assert found.losses == [1.0, math.inf, math.inf, math.inf] and found.settings == START


def test_a_start_that_fails_ends_the_search(tmp_path):
    def objective(settings, report, n):
        raise InputError("net", "epoch 1", "the loss is nan", "lower learning_rate")

    with pytest.raises(InputError, match="the loss is nan"):
        run(tmp_path, objective)[1]()


def test_two_numbers_are_a_range():
    assert is_range([1, 3]) and is_range([1e-4, 1e-2])
    assert not is_range(["adam", "sgd"]) and not is_range([1, 2, 3]) and not is_range([True, False])
    assert distribution("learning_rate", [0.1, 0.001]).log and not distribution("dropout", [0.1, 0.5]).log
    assert distribution("batch", [16, 64]).high == 64
