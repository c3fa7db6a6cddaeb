"""The zoo's networks in torch, as its users write them. Imported only where torch is installed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.zoo.family import Register

nets = Register()


def conv(a: int, b: int, size: Any = 3, act: Any = nn.ReLU, **options: Any) -> nn.Sequential:
    """Convolution without bias, BatchNorm, activation."""
    pad = options.pop("padding", size // 2 if isinstance(size, int) else tuple(s // 2 for s in size))
    steps = [nn.Conv2d(a, b, size, padding=pad, bias=False, **options), nn.BatchNorm2d(b)]
    return nn.Sequential(*steps, *([act()] if act else []))


def ending(n: int, classes: int = 4) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(n, classes)]


class Sum(nn.Module):
    """The input and what branches make of it, added."""

    def __init__(self, *branches: nn.Module, after: nn.Module | None = None) -> None:
        super().__init__()
        self.branches, self.after = nn.ModuleList(branches), after or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.after(sum((branch(x) for branch in self.branches[1:]), self.branches[0](x)))


class Joined(nn.Module):
    """What branches make of the input, side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Gate(nn.Module):
    def __init__(self, n: int, hidden: int, act: Any = nn.Sigmoid) -> None:
        super().__init__()
        steps = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(n, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, n, 1), act()]
        self.gate = nn.Sequential(*steps)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class Does(nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: Tensor) -> Any:
        return self.function(*x)


@nets()
def vgg() -> nn.Module:
    features = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2),
    )  # fmt: skip
    dense = nn.Sequential(nn.Flatten(), nn.Linear(512, 12), nn.ReLU(True), nn.Dropout(), nn.Linear(12, 4))
    return nn.Sequential(features, dense)


@nets()
def resnet() -> nn.Module:
    def block(a: int, b: int, stride: int) -> nn.Module:
        return Sum(
            nn.Sequential(conv(a, b, stride=stride), conv(b, b, act=None)),
            conv(a, b, 1, None, stride=stride) if stride > 1 or a != b else nn.Identity(),
            after=nn.ReLU(),
        )

    stem = [conv(3, 6, 7, stride=2), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, block(6, 6, 1), block(6, 8, 2), *ending(8))


@nets()
def resnext() -> nn.Module:
    branch = nn.Sequential(conv(8, 8, 1), conv(8, 8, 3, groups=4), conv(8, 8, 1, None))
    return nn.Sequential(conv(3, 8, stride=2), Sum(nn.Identity(), branch, after=nn.ReLU()), *ending(8))


@nets()
def inception() -> nn.Module:
    mixed = Joined(
        conv(6, 3, 1),
        nn.Sequential(conv(6, 2, 1), conv(2, 4, (1, 5)), conv(4, 4, (5, 1))),
        nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(6, 3, 1)),
    )
    return nn.Sequential(conv(3, 6, stride=2), mixed, *ending(10))


@nets()
def densenet() -> nn.Module:
    def grown(n: int) -> nn.Module:
        before = [nn.BatchNorm2d(n), nn.ReLU(), conv(n, 6, 1), nn.Conv2d(6, 3, 3, padding=1, bias=False)]
        return Joined(nn.Identity(), nn.Sequential(*before))

    return nn.Sequential(conv(3, 6, stride=2), grown(6), grown(9), nn.AvgPool2d(2), *ending(12))


@nets()
def squeezenet() -> nn.Module:
    fire = [
        nn.Conv2d(6, 3, 1),
        nn.ReLU(),
        Joined(nn.Conv2d(3, 5, 1), nn.Conv2d(3, 5, 3, padding=1)),
        nn.ReLU(),
    ]
    pooled = nn.MaxPool2d(3, 2, ceil_mode=True)
    head = [nn.Conv2d(10, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.ReLU(), pooled, *fire, *head)


@nets()
def mobilenet_v2() -> nn.Module:
    branch = nn.Sequential(
        conv(6, 12, 1, nn.ReLU6), conv(12, 12, 3, nn.ReLU6, groups=12), conv(12, 6, 1, None)
    )
    return nn.Sequential(conv(3, 6, 3, nn.ReLU6, stride=2), Sum(nn.Identity(), branch), *ending(6))


@nets()
def mobilenet_v3() -> nn.Module:
    branch = nn.Sequential(
        conv(6, 8, 1, nn.Hardswish), conv(8, 8, 5, nn.Hardswish, groups=8),
        Gate(8, 4, nn.Hardsigmoid), conv(8, 6, 1, None),
    )  # fmt: skip
    return nn.Sequential(conv(3, 6, 3, nn.Hardswish, stride=2), Sum(nn.Identity(), branch), *ending(6))


@nets()
def efficientnet() -> nn.Module:
    branch = nn.Sequential(
        conv(6, 12, 1, nn.SiLU), conv(12, 12, 3, nn.SiLU, groups=12), Gate(12, 3), conv(12, 6, 1, None)
    )
    return nn.Sequential(conv(3, 6, 3, nn.SiLU, stride=2), Sum(nn.Identity(), branch), *ending(6))


@nets()
def convnext() -> nn.Module:
    first, last = Does(lambda x: x.permute(0, 2, 3, 1)), Does(lambda x: x.permute(0, 3, 1, 2))
    dense = [nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)]
    branch = nn.Sequential(nn.Conv2d(8, 8, 7, padding=3, groups=8), first, *dense, last)
    stem = [nn.Conv2d(3, 8, 4, stride=4), first, nn.LayerNorm(8), last]
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 4)]
    return nn.Sequential(*stem, Sum(nn.Identity(), branch), *pooled)


@nets()
def regnet() -> nn.Module:
    branch = nn.Sequential(
        conv(8, 12, 1), conv(12, 12, 3, groups=3, stride=2), Gate(12, 2), conv(12, 12, 1, None)
    )
    return nn.Sequential(
        conv(3, 8, stride=2), Sum(branch, conv(8, 12, 1, None, stride=2), after=nn.ReLU()), *ending(12)
    )


@nets()
def shufflenet() -> nn.Module:
    shuffled = nn.ChannelShuffle(2)
    return nn.Sequential(
        conv(3, 8, stride=2), conv(8, 8, 1, groups=2), shuffled, conv(8, 8, groups=8), *ending(8)
    )


@nets()
def darknet() -> nn.Module:
    leaky = lambda: nn.LeakyReLU(0.1)  # noqa: E731
    branch = nn.Sequential(conv(8, 4, 1, leaky), conv(4, 8, 3, leaky))
    return nn.Sequential(conv(3, 8, 3, leaky, stride=2), Sum(nn.Identity(), branch), *ending(8))


class UNet(nn.Module):
    def __init__(self, up: str) -> None:
        super().__init__()
        self.a, self.b, self.last = conv(3, 4), conv(4, 6), nn.Conv2d(10 if up != "transposed" else 8, 2, 1)
        smooth = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.up = nn.ConvTranspose2d(6, 4, 2, stride=2) if up == "transposed" else smooth

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(functional.max_pool2d(a, 2))
        return torch.sigmoid(self.last(torch.cat([self.up(b), a], 1)))


@nets()
def unet() -> nn.Module:
    return UNet("transposed")


@nets()
def unet_bilinear() -> nn.Module:
    return UNet("bilinear")


@nets()
def deeplab() -> nn.Module:
    rates = Joined(*(conv(6, 4, 3, dilation=r, padding=r) for r in (1, 2, 4)))
    last = nn.Upsample(size=(32, 32), mode="bilinear", align_corners=False)
    return nn.Sequential(conv(3, 6, stride=2), rates, conv(12, 6, 1), nn.Conv2d(6, 3, 1), last)


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
