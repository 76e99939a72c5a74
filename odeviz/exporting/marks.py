"""Marks that tell many classes apart where their colours do not: outlines as points, for Qt and matplotlib alike."""

from __future__ import annotations

import math

#: A mark's outline about the origin, of about a circle's area; without points it is the circle of radius 1.
Mark = tuple[tuple[float, float], ...]


def _regular(corners: int, radius: float, turn: float = 0.0, waist: float = 1.0) -> Mark:
    """A regular polygon with its first corner above, turned by so many turns; with a ``waist``, a star."""
    count = corners if waist == 1.0 else 2 * corners
    radii = [radius * (waist if waist != 1.0 and k % 2 else 1.0) for k in range(count)]
    angles = [2.0 * math.pi * (0.25 + turn + k / count) for k in range(count)]
    return tuple((r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True))


def _cross(arm: float, half: float, turned: bool) -> Mark:
    corner = [(half, arm), (half, half), (arm, half), (arm, -half), (half, -half), (half, -arm)]
    outline = [*corner, *((-x, -y) for x, y in corner)]
    if not turned:
        return tuple(outline)
    share = math.sqrt(0.5)
    return tuple((share * (x - y), share * (x + y)) for x, y in outline)


#: One for each class colour: circle, square, triangle, diamond, cross, triangle downwards, star, x, pentagon, triangle
#: to the right.
MARKS: tuple[Mark, ...] = (
    (),
    _regular(4, 1.25, turn=0.125),
    _regular(3, 1.45),
    _regular(4, 1.35),
    _cross(1.35, 0.42, turned=False),
    _regular(3, 1.45, turn=0.5),
    _regular(5, 1.55, waist=0.45),
    _cross(1.35, 0.42, turned=True),
    _regular(5, 1.2),
    _regular(3, 1.45, turn=-0.25),
)
#: Up to so many classes are told by their colours alone.
PLAIN = 2


def mark_of(label: int, classes: int) -> Mark:
    """The mark of a class index among so many classes; of a negative one (no class), the circle."""
    return MARKS[label % len(MARKS)] if label >= 0 and classes > PLAIN else ()
