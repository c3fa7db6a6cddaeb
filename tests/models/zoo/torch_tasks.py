"""Torch networks that are no plain classifiers, and small ones around one thing each."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.zoo.torch_nets import Does, Joined, conv, ending, nets


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        steps = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(676, 6)]
        self.encoder, self.head = nn.Sequential(*steps), nn.Linear(6, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return self.head((self.encoder(left) - self.encoder(right)).abs())


@nets(size=(28, 28, 1))
def siamese() -> nn.Module:
    return Siamese()


@nets(size=(28, 28, 1))
def autoencoder() -> nn.Module:
    down = [nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(784, 8)]
    up = [nn.Linear(8, 196), nn.ReLU(), nn.Unflatten(1, (4, 7, 7))]
    grow = [nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1), nn.ReLU()]
    last = nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1)
    return nn.Sequential(*down, *up, *grow, last, nn.Sigmoid())


@nets(picture=False, size=(1, 1, 8))
def gan_generator() -> nn.Module:
    """Takes a vector (as a map of one place), no picture."""
    steps = [nn.ConvTranspose2d(8, 6, 4), nn.BatchNorm2d(6), nn.ReLU()]
    return nn.Sequential(*steps, nn.ConvTranspose2d(6, 1, 4, stride=2, padding=1), nn.Tanh())


@nets(size=(28, 28, 1))
def gan_critic() -> nn.Module:
    steps = [nn.Conv2d(1, 6, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 8, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*steps, nn.Flatten(), nn.Linear(392, 1))


@nets()
def pix2pix() -> nn.Module:
    """InstanceNorm, reflected borders."""
    steps = [nn.ReflectionPad2d(3), nn.Conv2d(3, 4, 7), nn.InstanceNorm2d(4), nn.ReLU()]
    down = [nn.Conv2d(4, 6, 3, 2, 1), nn.InstanceNorm2d(6, affine=True), nn.ReLU()]
    up = [nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1), nn.ReLU()]
    return nn.Sequential(*steps, *down, *up, nn.Conv2d(4, 3, 7, padding=3), nn.Tanh())


class Crnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(conv(1, 6, stride=2), conv(6, 4, stride=2))
        self.reader = nn.LSTM(16, 5, bidirectional=True, batch_first=True)
        self.characters = nn.Linear(10, 7)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.maps(x)
        series = maps.permute(0, 3, 1, 2).flatten(2)
        return self.characters(self.reader(series)[0])


@nets(size=(16, 48, 1))
def crnn() -> nn.Module:
    return Crnn()


class Svtr(nn.Module):
    """A recogniser whose height is collapsed and whose tokens have the batch first."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(conv(3, 6, stride=(2, 1)), conv(6, 8, stride=(2, 1)))
        self.norm, self.mix, self.last = nn.LayerNorm(8), nn.Linear(8, 8), nn.Linear(8, 7)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.maps(x).mean(2, keepdim=True)
        tokens = maps.flatten(2).transpose(1, 2)
        tokens = tokens + functional.gelu(self.mix(self.norm(tokens)))
        return self.last(tokens).softmax(-1)


@nets(size=(16, 40, 3))
def svtr() -> nn.Module:
    return Svtr()


class Detector(nn.Module):
    """Heads on two scales, boxes and classes joined over all places."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.lateral = conv(3, 6, stride=2), conv(6, 8, stride=2), nn.Conv2d(8, 6, 1)
        self.down = nn.Conv2d(8, 6, 1)
        self.boxes, self.classes = nn.Conv2d(6, 4, 3, padding=1), nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a = self.a(x)
        b = self.b(a)
        levels = [a + functional.interpolate(self.lateral(b), scale_factor=2.0), self.down(b)]
        boxes = torch.cat([self.boxes(level).flatten(2) for level in levels], 2)
        classes = torch.cat([self.classes(level).flatten(2) for level in levels], 2)
        return boxes.transpose(1, 2), classes.sigmoid().transpose(1, 2)


@nets()
def detector() -> nn.Module:
    return Detector()


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.age, self.sort = conv(3, 6, stride=2), nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        flat = self.body(x).mean((2, 3))
        return self.age(flat), self.sort(flat).softmax(1)


@nets(size=(28, 28, 3))
def several_outputs() -> nn.Module:
    return Several()


class Block(nn.Module):
    """A transformer's block with the framework's own attention."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(n), nn.LayerNorm(n)
        self.attention = nn.MultiheadAttention(n, 2, batch_first=True)
        self.dense = nn.Sequential(nn.Linear(n, 2 * n), nn.GELU(), nn.Linear(2 * n, n))

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.dense(self.second(x))


class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.block, self.head = nn.Conv2d(3, 8, 8, stride=8), Block(8), nn.Linear(8, 3)
        self.cls, self.places = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.zeros(1, 10, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.head(self.block(x)[:, 0])


@nets(size=(24, 24, 3))
def vit() -> nn.Module:
    return Vit()


class Swin(nn.Module):
    """Attention in windows: the batch and the windows share an axis for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.norm = nn.Conv2d(3, 8, 4, stride=4), nn.LayerNorm(8)
        self.qkv, self.proj, self.head = nn.Linear(8, 24), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.patches(x).permute(0, 2, 3, 1))
        n, h, w, c = x.shape
        y = torch.roll(x, (-2, -2), (1, 2)).reshape(n, h // 4, 4, w // 4, 4, c)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, c)
        q, k, v = self.qkv(y).chunk(3, -1)
        y = self.proj((q @ k.transpose(1, 2) / c**0.5).softmax(-1) @ v)
        y = y.reshape(n, h // 4, w // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)
        return self.head((x + torch.roll(y, (2, 2), (1, 2))).mean((1, 2)))


@nets()
def swin() -> nn.Module:
    return Swin()


class Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.one, self.two = nn.Conv2d(3, 8, 8, stride=8), nn.LayerNorm(8), nn.LayerNorm(8)
        self.across, self.along, self.head = nn.Linear(9, 9), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = x + functional.gelu(self.across(self.one(x).transpose(1, 2))).transpose(1, 2)
        return self.head((x + functional.gelu(self.along(self.two(x)))).mean(1))


@nets(size=(24, 24, 3))
def mixer() -> nn.Module:
    return Mixer()


@nets(size=(40, 32, 1))
def spectrogram() -> nn.Module:
    body = [nn.BatchNorm2d(1), conv(1, 6, (7, 3), stride=(2, 1)), nn.MaxPool2d((2, 4)), conv(6, 8)]
    return nn.Sequential(*body, *ending(8))


@nets(size=(1, 64, 3))
def sensor() -> nn.Module:
    steps = [nn.Conv2d(3, 4, (1, 7)), nn.ReLU(), nn.MaxPool2d((1, 2)), nn.Conv2d(4, 6, (1, 5)), nn.ReLU()]
    return nn.Sequential(*steps, nn.Flatten(), nn.Linear(150, 4))


@nets(picture=False, size=(1, 200, 1), shape=(1, 200))
def sound_1d() -> nn.Module:
    """Takes (channels, samples); the picture's height is dropped before it."""
    return nn.Sequential(
        nn.Conv1d(1, 4, 9), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3)
    )


@nets(size=(28, 28, 3))
def group_norm() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.GroupNorm(3, 6), nn.ReLU(), nn.Conv2d(6, 8, 3), *ending(8))


@nets(size=(28, 28, 3))
def layer_norm() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.LayerNorm([6, 26, 26]), nn.ReLU(), nn.Conv2d(6, 8, 3), *ending(8)
    )


@nets(size=(28, 28, 3))
def weight_norm() -> nn.Module:
    norm = torch.nn.utils.parametrizations.weight_norm
    return nn.Sequential(norm(nn.Conv2d(3, 6, 3)), nn.ReLU(), norm(nn.Conv2d(6, 8, 3)), *ending(8))


@nets(size=(28, 28, 3))
def spectral_norm() -> nn.Module:
    norm = torch.nn.utils.parametrizations.spectral_norm
    return nn.Sequential(norm(nn.Conv2d(3, 6, 3)), nn.LeakyReLU(0.2), norm(nn.Conv2d(6, 8, 3)), *ending(8))


@nets(size=(28, 28, 3))
def prelu_shared() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.PReLU(6), nn.Conv2d(6, 8, 3), nn.PReLU(), *ending(8))


@nets(size=(24, 24, 3))
def activations() -> nn.Module:
    kinds = [nn.ReLU, nn.ELU, nn.SELU, nn.CELU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.SiLU]
    kinds += [nn.GELU, nn.Mish, nn.Hardtanh, nn.LogSigmoid, nn.Hardshrink, nn.Tanhshrink]
    return nn.Sequential(Joined(*(nn.Sequential(nn.Conv2d(3, 2, 3), a()) for a in kinds)), *ending(30))


@nets(low=(0.0,), high=(255.0,), ranged=True)
def rescaling() -> nn.Module:
    return nn.Sequential(Does(lambda x: x / 255), conv(3, 6), *ending(6))


class Normalized(nn.Module):
    """ImageNet's mean and deviation inside the network, for pictures of 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1))
        self.body = nn.Sequential(conv(3, 6, stride=2), *ending(6))

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x - self.mean) / self.std)


@nets(ranged=True)
def normalization() -> nn.Module:
    return Normalized()


class MeanPicture(nn.Module):
    """A mean picture of 0..255, another number at each place, then the scale."""

    def __init__(self) -> None:
        super().__init__()
        shade = torch.linspace(96, 160, 32)
        self.register_buffer("picture", (shade[:, None] * 0.5 + shade * 0.5).expand(1, 3, 32, 32).clone())
        self.body = nn.Sequential(conv(3, 6, stride=2), *ending(6))

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x - self.picture) / 255)


@nets(low=(0.0,), high=(255.0,), ranged=True)
def mean_picture() -> nn.Module:
    return MeanPicture()


class ChannelsLast(nn.Module):
    """Takes pictures channels last and turns them itself."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(12, 6, stride=2), *ending(6))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.permute(0, 3, 1, 2))


@nets(size=(32, 32, 12), shape=(32, 32, 12))
def channels_last() -> nn.Module:
    return ChannelsLast()


@nets(size=(32, 32, 12))
def bands_12() -> nn.Module:
    return nn.Sequential(conv(12, 6, stride=2), *ending(6))


@nets(size=(24, 32, 2))
def bands_2() -> nn.Module:
    return nn.Sequential(conv(2, 6, stride=2), *ending(6))


@nets(size=(16, 16, 3))
def super_resolution() -> nn.Module:
    steps = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 12, 3, padding=1), nn.PixelShuffle(2)]
    return nn.Sequential(*steps)


@nets(size=(33, 31, 3))
def strange_convs() -> nn.Module:
    """Even kernels, unequal strides, dilation, borders that repeat, one-sided padding."""
    steps = [nn.Conv2d(3, 4, 2, stride=(1, 2)), nn.ReLU(), nn.ZeroPad2d((1, 2, 0, 3))]
    more = [nn.Conv2d(4, 6, 3, dilation=2, padding=2, padding_mode="replicate"), nn.ReLU()]
    last = [nn.Conv2d(6, 8, (1, 4), padding="same"), nn.MaxPool2d(3, 2, 1, ceil_mode=True)]
    return nn.Sequential(*steps, *more, *last, *ending(8))


@nets(size=(28, 28, 3))
def two_towers() -> nn.Module:
    return Towers()


class Towers(nn.Module):
    """A picture and a table of five numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.of_facts, self.head = nn.Linear(5, 4), nn.Linear(10, 3)

    def forward(self, picture: Tensor, facts: Tensor) -> Tensor:
        return self.head(torch.cat([self.eyes(picture), self.of_facts(facts).relu()], 1))
