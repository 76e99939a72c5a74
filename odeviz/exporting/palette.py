"""Colours below the window: one palette for light grounds, one for dark, as plain strings.

The first five class colours, the danger red and the accent stay apart for normal sight and for full
protanopia, deuteranopia and tritanopia (Machado, Oliveira and Fernandes, 2009): every two by at least
0.12 in Oklab; and all ten class colours by 0.11, which is about as far as ten can be. Maps are
perceptually uniform and named as both matplotlib and pyqtgraph name them.

Neither Qt nor matplotlib is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """The role of every colour, as ``#RRGGBB``, and of every map, by its name."""

    #: What is drawn upon.
    ground: str
    #: A raised surface on the ground: a card, a field of a form.
    raised: str
    text: str
    muted: str
    grid: str
    #: The one colour that says "this": the chosen, the current, the single curve.
    accent: str
    #: Rejected steps, errors.
    danger: str
    #: Data classes, in order. Further classes start again from the first.
    classes: tuple[str, ...]
    #: Arrows and streamlines of the vector field.
    field: str
    #: Trajectories that belong to no class.
    path: str
    #: log p: dark is low on dark grounds; on light grounds too, so that a picture reads the same in both.
    density_map: str
    #: Time along a trajectory, t0 to t1.
    time_map: str

    def of_class(self, label: int) -> str:
        """The colour of a class index; of a negative one (no class), the path's."""
        return self.classes[label % len(self.classes)] if label >= 0 else self.path


LIGHT = Palette(
    ground="#FFFFFF",
    raised="#F5F6F8",
    text="#1B1F27",
    muted="#5F6775",
    grid="#DDE1E7",
    accent="#1D398B",
    danger="#B90B1D",
    classes=(
        "#005AD9",
        "#EB6D00",
        "#44A982",
        "#995A8E",
        "#97BCD7",
        "#19010A",
        "#00194E",
        "#AD7DED",
        "#FCAB24",
        "#620603",
    ),
    field="#6B7280",
    path="#3A414D",
    density_map="viridis",
    time_map="plasma",
)

DARK = Palette(
    ground="#15181E",
    raised="#1E222A",
    text="#E7EAF0",
    muted="#98A1B0",
    grid="#2D333E",
    accent="#7366E2",
    danger="#FF2D26",
    classes=(
        "#66A1F0",
        "#FFA419",
        "#18E2A9",
        "#B27790",
        "#DBF8FF",
        "#782A54",
        "#4F0FCA",
        "#B01D0A",
        "#FFE326",
        "#845193",
    ),
    field="#8D96A6",
    path="#C9CFDA",
    density_map="viridis",
    time_map="plasma",
)


def palette(dark: bool = False) -> Palette:
    """The palette for a dark or a light ground."""
    return DARK if dark else LIGHT


def mix(first: str, second: str, share: float) -> str:
    """The colour ``share`` of the way from ``first`` to ``second``, both ``#RRGGBB``, mixed per channel."""
    pairs = zip(channels(first), channels(second), strict=True)
    return "#" + "".join(f"{round(255 * (a + (b - a) * share)):02X}" for a, b in pairs)


def readable(ground: str, faint: bool = False) -> str:
    """Letters on a ground ``#RRGGBB``: black or white, whichever has the greater contrast (WCAG 2.1).

    ``faint`` ones, of what counts for little, stand out from it by half.
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(ground)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # As far from black as from white: (l + 0.05) / 0.05 = 1.05 / (l + 0.05).
    ink = "#000000" if luminance > 0.1791 else "#FFFFFF"
    return mix(ink, ground, 0.5) if faint else ink


def channels(color: str) -> tuple[float, float, float]:
    """Red, green and blue of ``#RRGGBB``, each from 0 to 1."""
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue
