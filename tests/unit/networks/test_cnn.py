"""Our own networks for training on neurons: their shapes, seeds and weights."""

import pytest
import torch
from torch import nn

from ventral.networks.cnn import build_cnn
from ventral.networks.hybrid import build_hybrid
from ventral.networks.operators import name_missing_operators
from ventral.networks.weights import fingerprint
from ventral.training.heads import HeadPlan
from ventral.training.trainable import build_encoder


@pytest.mark.parametrize("n_layers", [2, 3])
def test_each_block_halves_the_map(n_layers):
    cnn = build_cnn(n_layers, seed=0)
    assert [name for name, _ in cnn.named_children()] == [f"block{i + 1}" for i in range(n_layers)]
    assert cnn(torch.zeros(2, 3, 32, 32)).shape == (2, 16 * 2 ** (n_layers - 1), 32 // 2**n_layers, 32 // 2**n_layers)


def test_sizes_are_the_users():
    cnn = build_cnn(2, channels=(5, 7), kernel=3, batch_norm=True, seed=0)
    convolutions = [module for module in cnn.modules() if isinstance(module, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size) for c in convolutions] == [(3, 5, (3, 3)), (5, 7, (3, 3))]
    assert [type(module).__name__ for module in cnn.block1] == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]


def test_weights_follow_the_seed():
    one, same, other = (fingerprint(build_cnn(2, seed=seed)) for seed in (0, 0, 1))
    assert one == same != other


def test_channels_must_match_layers():
    with pytest.raises(ValueError, match="2 channel counts for 3 layers"):
        build_cnn(3, channels=(4, 4), seed=0)


def test_hybrid_joins_both_branches_with_the_publishers_weights(tmp_path):
    name_missing_operators()
    from torchvision.models import resnet50

    published = resnet50(weights=None)
    torch.save(published.state_dict(), tmp_path / "resnet50.pth")
    hybrid = build_hybrid(resnet_weights=tmp_path / "resnet50.pth", seed=0)
    assert torch.equal(hybrid.resnet.layer2[3].conv3.weight, published.layer2[3].conv3.weight)
    images = torch.randn(1, 3, 64, 64)
    encoder = build_encoder(hybrid, "output", HeadPlan("mlp"), images, 5, seed=0)
    with torch.no_grad():
        features = hybrid(images)
        assert features.shape == (1, 768 + 512) and encoder(images)[0].shape == (1, 5)
        assert torch.equal(features[:, 768:], hybrid.resnet(images).mean(dim=(2, 3)))
    sizes = [(part.in_features, part.out_features) for part in encoder.head.modules() if isinstance(part, nn.Linear)]
    assert sizes == [(1280, 512), (512, 256), (256, 5)]
