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
