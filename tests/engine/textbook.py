"""Textbook problems as data: a field for torch and NumPy, a start, an interval and, where there is one, the solution.

The non-stiff ones are the 25 of Hull, Enright, Fellen, Sedgwick, Comparing Numerical Methods for Ordinary
Differential Equations, SIAM J. Numer. Anal. 9 (1972), classes A (single equations), B (small systems), C (moderate
systems), D (orbits) and E (higher order equations), all from 0 to 20; the ends of those without a closed form are
from Enright and Pryce, Two FORTRAN Packages for Assessing Initial Value Methods, ACM TOMS 13 (1987). The stiff ones
are from Hairer, Wanner, Solving Ordinary Differential Equations II, IV.10, their ends from the Test Set for IVP
Solvers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq
from scipy.special import ellipj, iv, jv, jvp, kv


@dataclass(frozen=True, eq=False)
class Problem:
    name: str
    #: From a time and the components of the state, each a number or an array, to those of its derivative.
    components: Callable | np.ndarray
    y0: tuple[float, ...]
    #: The solution at a time in closed form; where there is none, that at the end from the literature.
    exact: Callable
    t1: float = 20.0
    #: The absolute tolerance that the relative one asks for: the size of the smallest entries that matter.
    floor: float = 1.0
    stiff: bool = False

    def field(self, t, y):
        """f(t, y [batch, dim]) in torch."""
        return torch.stack(list(self.components(t, y.unbind(1))), 1)

    def rhs(self, t, y):
        """f(t, y [dim, ...]) in NumPy."""
        return np.array(self.components(t, list(y)))

    @cache  # noqa: B019 - problems live as long as the session
    def reference(self):
        """The solution from 0 to t1 by SciPy, with dense output."""
        options = {"method": "Radau", "rtol": 1e-10, "atol": 1e-14, "jac": self.jacobian}
        if not self.stiff:
            options = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-14}
        result = solve_ivp(self.rhs, (0.0, self.t1), self.y0, dense_output=True, **options)
        assert result.success, result.message
        return result.sol

    def jacobian(self, t, y):
        """df/dy by complex differentiation, exact to rounding."""
        step = 1e-30
        y = np.asarray(y, dtype=complex)[:, None] + step * 1j * np.eye(len(y))
        return self.rhs(t, y).imag / step

    def scale(self, t):
        """The error in each entry that a step of tolerance one may make at t."""
        return self.floor + abs(self.reference()(t))

    def miss(self, end):
        """Distance of a computed end from the reference, in errors that a step of tolerance one may make there."""
        return float(np.sqrt(np.mean(((end - self.reference()(self.t1)) / self.scale(self.t1)) ** 2)))

    @cache  # noqa: B019
    def gain(self):
        """By how much an error grows until the end, if it is made where that is most.

        An error at t is carried to the end by Phi(t1, t), which the adjoint variational equation gives backwards
        along the reference; errors are measured by their scale at both times.
        """
        dim, sol = len(self.y0), self.reference()

        def adjoint(t, transposed):
            return (-self.jacobian(t, sol(t)).T @ transposed.reshape(dim, dim)).ravel()

        options = {"method": "LSODA", "rtol": 1e-8, "atol": 1e-10, "t_eval": sol.ts[::-1]}
        result = solve_ivp(adjoint, (self.t1, 0.0), np.eye(dim).ravel(), **options)
        assert result.success, result.message
        scaled = (
            x.reshape(dim, dim).T * self.scale(t) / self.scale(self.t1)[:, None]
            for t, x in zip(result.t, result.y.T, strict=True)
        )
        return max(np.linalg.norm(matrix, 2) for matrix in scaled)


def known_at_end(*values):
    return lambda t: values


@dataclass(frozen=True, eq=False)
class LinearProblem(Problem):
    """y' = A y; ``components`` is the matrix."""

    def field(self, t, y):
        return y @ torch.from_numpy(self.components).T

    def rhs(self, t, y):
        return self.components @ y

    def jacobian(self, t, y):
        return self.components


def linear(name, matrix, y0):
    return LinearProblem(name, matrix, y0, exact=lambda t: expm(matrix * t) @ np.array(y0))


def first_unit(dim):
    return (1.0, *(0.0 for _ in range(dim - 1)))


def chain(rates):
    """Each nucleus decays to the next at its rate; the last one is stable."""
    return np.diag([*(-rate for rate in rates), 0.0]) + np.diag(rates, -1)


def diffusion(dim):
    return -2.0 * np.eye(dim) + np.eye(dim, k=1) + np.eye(dim, k=-1)


# --- A: single equations ---------------------------------------------------------------------------------------------


def spiral(t):
    """A5 in polar coordinates is a logarithmic spiral, r = 4 exp(pi/2 - angle): its y at x = t."""

    def off(angle):
        return 4 * math.exp(math.pi / 2 - angle) * math.cos(angle) - t

    angle = brentq(off, -math.pi / 4, math.pi / 2, xtol=1e-15, rtol=1e-14)
    return [4 * math.exp(math.pi / 2 - angle) * math.sin(angle)]


SINGLE = (
    Problem("A1", lambda t, y: [-y[0]], (1.0,), exact=lambda t: [math.exp(-t)]),
    Problem("A2", lambda t, y: [-(y[0] ** 3) / 2], (1.0,), exact=lambda t: [1 / math.sqrt(1 + t)]),
    Problem("A3", lambda t, y: [y[0] * math.cos(t)], (1.0,), exact=lambda t: [math.exp(math.sin(t))]),
    Problem(
        "A4",
        lambda t, y: [y[0] / 4 * (1 - y[0] / 20)],
        (1.0,),
        exact=lambda t: [20 / (1 + 19 * math.exp(-t / 4))],
    ),
    Problem("A5", lambda t, y: [(y[0] - t) / (y[0] + t)], (4.0,), exact=spiral),
)

# --- B: small systems ------------------------------------------------------------------------------------------------


def predators(t, y):
    prey, hunters = y
    return [2 * (prey - prey * hunters), -(hunters - prey * hunters)]


def reaction(t, y):
    return [-y[0], y[0] - y[1] ** 2, y[1] ** 2]


def reaction_solution(t):
    """y2 = u'/u turns y2' = exp(-t) - y2^2 into u'' = exp(-t) u: Bessel functions of z = 2 exp(-t/2)."""
    z = 2 * math.exp(-t / 2)
    u = kv(1, 2) * iv(0, z) + iv(1, 2) * kv(0, z)
    slope = -z / 2 * (kv(1, 2) * iv(1, z) - iv(1, 2) * kv(1, z))
    return [math.exp(-t), slope / u, 1 - math.exp(-t) - slope / u]


def torus(t, y):
    r = (y[0] ** 2 + y[1] ** 2) ** 0.5
    return [-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r]


def torus_solution(t):
    return [(2 + math.cos(t)) * math.cos(t), (2 + math.cos(t)) * math.sin(t), math.sin(t)]


def rigid_body(t, y):
    return [y[1] * y[2], -y[0] * y[2], -0.51 * y[0] * y[1]]


SMALL = (
    Problem("B1", predators, (1.0, 3.0), known_at_end(0.6761876008576667, 0.1860816099640036)),
    linear("B2", np.array([[-1.0, 1, 0], [1, -2, 1], [0, 1, -1]]), (2.0, 0.0, 1.0)),
    Problem("B3", reaction, (1.0, 0.0, 0.0), exact=reaction_solution),
    Problem("B4", torus, (3.0, 0.0, 0.0), exact=torus_solution),
    Problem("B5", rigid_body, (0.0, 1.0, 1.0), exact=lambda t: ellipj(t, 0.51)[:3]),
)

# --- C: moderate systems ---------------------------------------------------------------------------------------------

GRAVITY = 2.95912208286  # astronomical units, solar masses, 100 days
SUN = 1.00000597682  # with the inner planets
#: Jupiter, Saturn, Uranus, Neptune, Pluto.
MASSES = (0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778)
PLACES = (
    (3.42947415189, 3.35386959711, 1.35494901715),
    (6.64145542550, 5.97156957878, 2.18231499728),
    (11.2630437207, 14.6952576794, 6.27960525067),
    (-30.1552268759, 1.65699966404, 1.43785752721),
    (-21.1238353380, 28.4465098142, 15.3882659679),
)
VELOCITIES = (
    (-0.557160570446, 0.505696783289, 0.230578543901),
    (-0.415570776342, 0.365682722812, 0.169143213293),
    (-0.325325669158, 0.189706021964, 0.0877265322780),
    (-0.0240476254170, -0.287659532608, -0.117219543175),
    (-0.176860753121, -0.216393453025, -0.0148647893090),
)


PLACES_AND_VELOCITIES_AT_20 = (
    -4.792730224323733, -2.420550725448973, -0.9212509306014886, -4.217310404035213, 7.356202947498970,
    3.223785985421212, 4.035559443262270, 17.19865528670555, 7.478910794233703, -29.98759326324844,
    -4.107310937550929, -0.9277008321754407, -24.42125302518482, 23.81459045746554, 14.92096306951359,
    0.3499208963063806, -0.5748487687912825, -0.2551694020879149, -0.5237040978903326, -0.2493000463579661,
    -0.08045341642044464, -0.3875289237334110, 0.05648603288767891, 0.03023606472143342, 0.04133856546712445,
    -0.2862393029841379, -0.1183032405136207, -0.1511986457359206, -0.2460068894318766, -0.03189687411323877,
)  # fmt: skip


def cubed(x):
    return (x[0] ** 2 + x[1] ** 2 + x[2] ** 2) ** 1.5


def outer_planets(t, y):
    """Motion about the sun, which the planets move too: the state is 5 places and 5 velocities."""
    places = [y[3 * j : 3 * j + 3] for j in range(5)]
    to_sun = [[-x / r3 for x in place] for place in places for r3 in [cubed(place)]]
    sun = [sum(m * pull[i] for m, pull in zip(MASSES, to_sun, strict=True)) for i in range(3)]
    pulls = [[SUN * pull[i] + sun[i] for i in range(3)] for pull in to_sun]
    for j, k in combinations(range(5), 2):
        between = [b - a for a, b in zip(places[j], places[k], strict=True)]
        r3 = cubed(between)
        for i in range(3):
            pulls[j][i] = pulls[j][i] + MASSES[k] * between[i] / r3
            pulls[k][i] = pulls[k][i] - MASSES[j] * between[i] / r3
    return [*y[15:], *(GRAVITY * x for pull in pulls for x in pull)]


MODERATE = (
    linear("C1", chain([1.0] * 9), first_unit(10)),
    linear("C2", chain([float(rate) for rate in range(1, 10)]), first_unit(10)),
    linear("C3", diffusion(10), first_unit(10)),
    linear("C4", diffusion(51), first_unit(51)),
    Problem(
        "C5",
        outer_planets,
        tuple(x for three in (*PLACES, *VELOCITIES) for x in three),
        known_at_end(*PLACES_AND_VELOCITIES_AT_20),
    ),
)

# --- D: orbits -------------------------------------------------------------------------------------------------------


def orbit(name, eccentricity):
    """Two bodies, from the pericentre; places by Kepler's equation u - e sin u = t."""

    def components(t, y):
        r3 = (y[0] ** 2 + y[1] ** 2) ** 1.5
        return [y[2], y[3], -y[0] / r3, -y[1] / r3]

    def exact(t):
        u = brentq(lambda u: u - eccentricity * math.sin(u) - t, t - 1, t + 1, xtol=1e-15, rtol=1e-14)
        minor, speed = math.sqrt(1 - eccentricity**2), 1 / (1 - eccentricity * math.cos(u))
        return [
            math.cos(u) - eccentricity,
            minor * math.sin(u),
            -speed * math.sin(u),
            speed * minor * math.cos(u),
        ]

    start = (1 - eccentricity, 0.0, 0.0, math.sqrt((1 + eccentricity) / (1 - eccentricity)))
    return Problem(name, components, start, exact=exact)


ORBITS = tuple(orbit(f"D{n}", (2 * n - 1) / 10) for n in range(1, 6))

# --- E: higher order equations ---------------------------------------------------------------------------------------


def bessel(t, y):
    x = t + 1
    return [y[1], -(y[1] / x + (1 - 0.25 / x**2) * y[0])]


def van_der_pol(t, y):
    return [y[1], (1 - y[0] ** 2) * y[1] - y[0]]


def duffing(t, y):
    return [y[1], y[0] ** 3 / 6 - y[0] + 2 * math.sin(2.78535 * t)]


def falling_body(t, y):
    return [y[1], 0.032 - 0.4 * y[1] ** 2]


def falling_body_solution(t):
    rate = math.sqrt(0.032 * 0.4)
    return [30 + math.log(math.cosh(rate * t)) / 0.4, rate / 0.4 * math.tanh(rate * t)]


def pursuit(t, y):
    return [y[1], (1 + y[1] ** 2) ** 0.5 / (25 - t)]


def pursuit_solution(t):
    left = (25 - t) / 25
    return [25 / 2 * (-math.log(left) - (1 - left**2) / 2), (1 / left - left) / 2]


HIGHER_ORDER = (
    Problem("E1", bessel, (jv(0.5, 1), jvp(0.5, 1)), exact=lambda t: [jv(0.5, t + 1), jvp(0.5, t + 1)]),
    Problem("E2", van_der_pol, (2.0, 0.0), known_at_end(2.008149762174948, -0.04250887527320057)),
    Problem("E3", duffing, (0.0, 0.0), known_at_end(-0.1004178858647128, 0.2411400132095954)),
    Problem("E4", falling_body, (30.0, 0.0), exact=falling_body_solution),
    Problem("E5", pursuit, (0.0, 0.0), exact=pursuit_solution),
)

NON_STIFF = {problem.name: problem for problem in (*SINGLE, *SMALL, *MODERATE, *ORBITS, *HIGHER_ORDER)}

# --- stiff ----------------------------------------------------------------------------------------------------


def relaxation(t, y):
    return [y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]]


def robertson(t, y):
    slow, fast, meeting = 0.04 * y[0], 3e7 * y[1] ** 2, 1e4 * y[1] * y[2]
    return [meeting - slow, slow - meeting - fast, fast]


def hires(t, y):
    y1, y2, y3, y4, y5, y6, y7, y8 = y
    bound = 280 * y6 * y8
    return [
        -1.71 * y1 + 0.43 * y2 + 8.32 * y3 + 0.0007,
        1.71 * y1 - 8.75 * y2,
        -10.03 * y3 + 0.43 * y4 + 0.035 * y5,
        8.32 * y2 + 1.71 * y3 - 1.12 * y4,
        -1.745 * y5 + 0.43 * y6 + 0.43 * y7,
        -bound + 0.69 * y4 + 1.71 * y5 - 0.43 * y6 + 0.69 * y7,
        bound - 1.81 * y7,
        -bound + 1.81 * y7,
    ]


def oregonator(t, y):
    return [
        77.27 * (y[1] + y[0] * (1 - 8.375e-6 * y[0] - y[1])),
        (y[2] - (1 + y[0]) * y[1]) / 77.27,
        0.161 * (y[0] - y[2]),
    ]


STIFF = {
    problem.name: problem
    for problem in (
        Problem(
            "van-der-pol", relaxation, (2.0, 0.0),
            known_at_end(1.706167732170483, -0.8928097010247975e-3),
            t1=2000.0, floor=1e-3, stiff=True,
        ),
        Problem(
            "robertson", robertson, (1.0, 0.0, 0.0),
            known_at_end(0.7158270687193941, 0.9185534764557e-5, 0.2841637457458),
            t1=40.0, floor=1e-6, stiff=True,
        ),
        Problem(
            "hires", hires, (1.0, *[0.0] * 6, 0.0057),
            known_at_end(
                0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2,
                0.2386356198831331e-2, 0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2,
            ),
            t1=321.8122, floor=1e-4, stiff=True,
        ),
        Problem(
            "oregonator", oregonator, (1.0, 2.0, 3.0),
            known_at_end(0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3),
            t1=360.0, stiff=True,
        ),
    )
}  # fmt: skip
