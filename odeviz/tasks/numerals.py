"""Numbers as people read them: powers of ten instead of 1e-05. No torch, no Qt."""

from __future__ import annotations

import math

#: The letter of a state that flows, in every task, on every axis and in every text, as in sections 2 to 5 of Chen et
#: al. (2018). h is a step's size, and the hidden state of a recurrent net.
STATE = "z"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def thousands(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}".replace("-", "−")


def percent(share: float, decimals: int = 0) -> str:
    """A share in percent; one between none and all is not rounded to either."""
    text, least = f"{100 * share:.{decimals}f}", 10.0**-decimals
    if share > 0.0 and float(text) == 0.0:
        text = f"<{least:.{decimals}f}"
    elif share < 1.0 and float(text) == 100.0:
        text = f">{100 - least:.{decimals}f}"
    return f"{text}\u00a0%".replace("-", "−")


def with_error(value: float, error: float) -> str:
    """A value and its standard error, both to the decimals of the error's second digit.

    An error that is rounding beside the value leaves it four digits.
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0.0):
        return f"{figure(value)} ± {figure(error)}"
    rounding = error < 1e-6 * abs(value)
    decimals = max(
        0, (3 - math.floor(math.log10(abs(value)))) if rounding else 1 - math.floor(math.log10(error))
    )
    return f"{value:,.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")


def kibibytes(size: float) -> float:
    """Bytes in the unit that memory is told in, KiB."""
    return size / 1024


def power(value: float) -> str:
    """A number as a tick label: plain within 0.01 .. 9999, else as a power of ten."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    if -3 < exponent < 4:
        return f"{value:.6g}"
    lead, digits = value / 10**exponent, str(exponent).translate(_RAISED)
    return f"10{digits}" if abs(lead - 1) < 1e-6 else f"{lead:.3g}·10{digits}"


def figure(value: float, digits: int = 3) -> str:
    """A number in a sentence or a table: so many digits, with a power of ten where 1e-05 would stand."""
    lead, _, exponent = f"{value:,.{digits}g}".partition("e")
    if 0 < int(exponent or 0) < 6:
        lead = f"{float(f'{lead}e{exponent}'):,.0f}"
    elif exponent:
        raised = f"10{str(int(exponent)).translate(_RAISED)}"
        lead = {"1": raised, "-1": f"-{raised}"}.get(lead, f"{lead}·{raised}")
    return lead.replace("-", "−")


def short(value: float) -> str:
    """A number that changes all the time: three decimals, or three digits where those would not show them."""
    plain = value == 0 or not math.isfinite(value) or 0.01 <= abs(value) < 1e4
    return f"{value:,.3f}" if plain else power(float(f"{value:.2e}"))


def indexed(name: str, index: int) -> str:
    """A name with an index below the line, such as z₃."""
    return f"{name}{str(index).translate(_LOWERED)}"


def coordinates(count: int, letter: str = STATE) -> tuple[str, ...]:
    """What the coordinates of a state are called."""
    return tuple(indexed(letter, k) for k in range(1, count + 1))


#: The axes of a plane of states.
AXES = (indexed(STATE, 1), indexed(STATE, 2))
