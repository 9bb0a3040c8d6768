"""Search for the settings of a training. Its trials are on disk, so that a killed search continues."""

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ventral.files.errors import InputError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

Settings = dict[str, Any]
Report = Callable[[int, float], None]  # called with the number and loss of each epoch; may end the trial

LOG_SCALE = ("learning_rate", "backbone_learning_rate", "weight_decay")
JOURNAL = "trials.journal"
FREE_TRIALS = 5  # so many run to the end before any is pruned
FREE_EPOCHS = 3  # so many epochs run before a trial may be pruned
LOCK_S = 3  # seconds after which the lock of a killed run is removed


@dataclass(frozen=True)
class Found:
    """The result of a search: the best settings, their loss, and the loss of every trial (None if it was pruned)."""

    settings: Settings
    loss: float
    losses: list[float | None]


def search(
    objective: Callable[[Settings, Report], float],
    over: Mapping[str, Sequence[Any]],
    start: Settings,
    *,
    trials: int,
    seed: int,
    folder: str | Path,
    identity: str = "search",
    name: str = "search",
) -> Found:
    """Minimise a loss over settings, by the tree-structured Parzen estimator with median pruning (Optuna).

    The first trial has the settings of `start`, so the result is never worse than these. Each trial depends on the
    seed, its number and the trials before it alone. So a killed search ends with the same result; the interrupted trial
    is run again.

    Args:
        objective: returns the loss of some settings; it calls its second argument with the number and loss of each
            epoch.
        over: for each setting the values to choose from. Two numbers are the ends of a range, on a log scale for
            learning rates and weight decay.
        start: the entry's own settings, with the same keys.
        trials: how many.
        seed: of the draws.
        folder: where the trials are kept.
        identity: of the objective. Trials of another identity are not used.
        name: in messages.

    Raises:
        InputError: if the objective fails with the settings of `start`. Other settings that fail get an infinite loss.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ranges = {key: distribution(key, values) for key, values in over.items()}
    study = _open_study(Path(folder), identity, name)
    states = optuna.trial.TrialState
    for cut in study.get_trials(states=(states.RUNNING,)):
        study.tell(cut.number, state=states.FAIL)
    finished = (states.COMPLETE, states.PRUNED)
    for number in range(len(study.get_trials(states=finished)), trials):
        said = f"{name}: trial {number + 1} of {trials}"
        if number == 0:
            outcome = _run_start(study, objective, start, ranges)
        else:
            own_seed = int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
            study.sampler = optuna.samplers.TPESampler(seed=own_seed, n_startup_trials=min(10, trials // 2))
            outcome = _run_trial(study, objective, ranges)
        print(f"{said}: {outcome}; best so far {study.best_value:.4g}", file=sys.stderr)
    losses = [
        trial.value if trial.state == states.COMPLETE else None for trial in study.get_trials(states=finished)[:trials]
    ]
    return Found(dict(study.best_params), study.best_value, losses)


def distribution(key: str, values: Sequence[Any]) -> "BaseDistribution":
    """The distribution of a setting: a range if two numbers are given, else the values themselves."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not is_range(values):
        return CategoricalDistribution(list(values))
    low, high = sorted(values)
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=key in LOG_SCALE)


def is_range(values: Sequence[Any]) -> bool:
    """Whether the values are the two ends of a range."""
    return len(values) == 2 and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def _open_study(folder: Path, identity: str, name: str) -> "Study":
    """The study kept in the folder; that of another identity is left aside, a damaged one set aside."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / JOURNAL
    if path.exists():
        whole = path.read_bytes()
        if not whole.endswith(b"\n"):  # its last line was cut when the run was killed
            with open(path, "r+b") as file:
                file.truncate(whole.rfind(b"\n") + 1)
    lock = JournalFileOpenLock(str(path), grace_period=LOCK_S)
    try:
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(path), lock))
    except (ValueError, KeyError, TypeError):
        aside = path.with_suffix(".old.journal")
        os.replace(path, aside)
        print(f"{path}: damaged; set aside as {aside.name}, the search starts afresh", file=sys.stderr)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(path), lock))
    names = optuna.get_all_study_names(storage)
    if names and identity not in names:
        print(f"{path}: of another configuration or data; the search starts afresh", file=sys.stderr)
    pruner = optuna.pruners.MedianPruner(FREE_TRIALS, FREE_EPOCHS)
    return optuna.create_study(storage=storage, study_name=identity, pruner=pruner, load_if_exists=True)


def _run_start(
    study: "Study",
    objective: Callable[[Settings, Report], float],
    start: Settings,
    ranges: Mapping[str, "BaseDistribution"],
) -> str:
    """Run the settings that the search starts from, and put them into the study once they are done."""
    from optuna.trial import create_trial

    losses: dict[int, float] = {}
    loss = objective(dict(start), losses.__setitem__)
    study.add_trial(
        create_trial(params=dict(start), distributions=dict(ranges), value=loss, intermediate_values=losses)
    )
    return f"{_listed(start)}: loss {loss:.4g}"


def _run_trial(
    study: "Study", objective: Callable[[Settings, Report], float], ranges: Mapping[str, "BaseDistribution"]
) -> str:
    """Run the settings that the study asks for next, as long as they are no worse than the median."""
    import optuna

    trial = study.ask(dict(ranges))

    def report(epoch: int, loss: float) -> None:
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned(f"epoch {epoch}")

    said = _listed(trial.params)
    try:
        loss = objective(dict(trial.params), report)
    except optuna.TrialPruned as pruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return f"{said}: given up at {pruned}"
    except InputError as error:  # such as a loss that is not finite at this learning rate
        study.tell(trial, math.inf)
        return f"{said}: {error}"
    study.tell(trial, loss)
    return f"{said}: loss {loss:.4g}"


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in settings.items()
    )
