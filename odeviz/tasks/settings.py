"""Settings: the dataclass fields of an experiment, each with all that a form, a command line or a file needs.

A setting is declared once, by :func:`setting`; validation, ``--set``, the window's form and the tooltips
are all made from it.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from odeviz.tasks.numerals import thousands
from odeviz.tasks.quantities import read_number

_WANTED = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known about one setting besides its name, type and default."""

    label: str
    help: str
    symbol: str = ""
    #: In Unicode, where one says what the setting does.
    equation: str = ""
    unit: str = ""
    lo: float | None = None
    hi: float | None = None
    choices: tuple[str, ...] = ()
    #: Applies to the running session; a cold setting needs a restart.
    hot: bool = False
    #: Spans decades: shown on a logarithmic scale.
    log: bool = False
    #: What a stepper goes through: "decades" (powers of ten), "125" (1, 2, 5, 10 ...), "doubles" (powers of two)
    #: or "" for equal steps; from zero a step leads to ``start``.
    ladder: str = ""
    start: float = 1.0
    #: What zero is called where it switches something off; it can also be typed.
    zero: str = ""
    #: Other settings' values under which this one has a meaning, for example {"task": ("density",)}.
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def after(self) -> str:
        """The unit as it stands after a number, with a blank; nothing where the label says it already."""
        return f" {self.unit}" if self.unit and self.unit != self.label.lower() else ""


def setting(default: Any, label: str, help: str, **more: Any) -> Any:
    """Declare a dataclass field that is a setting."""
    return field(default=default, metadata={"setting": Setting(label, help, **more)})


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of one experiment, addressed by its dotted path (``field.width``)."""

    path: str
    type: type
    value: Any
    default: Any
    about: Setting


def entries(config: Any, prefix: str = "") -> Iterator[Entry]:
    """Walk a configuration's settings depth first, in the order they are declared."""
    for name, about, kind, default in _declared(config.__class__):
        value = getattr(config, name)
        if about is not None:
            yield Entry(prefix + name, kind, value, default, about)
        elif dataclasses.is_dataclass(value):
            yield from entries(value, prefix + name + ".")


def values(config: Any, prefix: str = "") -> dict[str, Any]:
    """The settings' values by dotted path, in the order they are declared."""
    found: dict[str, Any] = {}
    for name, about, _, _ in _declared(config.__class__):
        value = getattr(config, name)
        if about is not None:
            found[prefix + name] = value
        elif dataclasses.is_dataclass(value):
            found |= values(value, prefix + name + ".")
    return found


def _declared_of(part: Any) -> tuple[tuple[str, Setting | None, type, Any], ...]:
    """The fields of a configuration; none of anything else."""
    return _declared(part.__class__) if dataclasses.is_dataclass(part) else ()


@functools.cache
def _declared(kind: type) -> tuple[tuple[str, Setting | None, type, Any], ...]:
    """A configuration class's fields: name, what is known of it if it is a setting, type, default."""
    return tuple(
        (f.name, f.metadata.get("setting"), type(f.default), f.default) for f in dataclasses.fields(kind)
    )


def check(config: Any, prefix: str = "") -> None:
    """Raise ``ValueError`` naming the first setting that is out of its range, and the range."""
    for entry in entries(config, prefix):
        _check_one(entry)


def _check_one(entry: Entry) -> None:
    about, value, path = entry.about, entry.value, entry.path
    wanted = _WANTED[entry.type]
    ok = isinstance(value, entry.type) and (entry.type is bool or not isinstance(value, bool))
    if not ok and not (entry.type is float and isinstance(value, int) and not isinstance(value, bool)):
        raise ValueError(f"{path} must be {wanted}{_range(about)}, not {value!r}")
    if about.choices:
        one_of(path, value, about.choices)
    if entry.type in (int, float):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{path} must be a finite number{_range(about)}, not {value}")
        if (about.lo is not None and value < about.lo) or (about.hi is not None and value > about.hi):
            raise ValueError(f"{path} must be {wanted}{_range(about)}, not {value}")


def _range(about: Setting) -> str:
    if about.lo is not None and about.hi is not None:
        return f" from {plain(about.lo)} to {plain(about.hi)}{about.after}"
    if about.lo is not None:
        return f" of at least {plain(about.lo)}{about.after}"
    return f" of at most {plain(about.hi)}{about.after}" if about.hi is not None else ""


def plain(number: float) -> str:
    """A limit as people write it: 1,000,000 rather than 1e+06."""
    return f"{thousands(number)}" if 1e4 <= abs(number) <= 1e9 and number == int(number) else f"{number:g}"


def one_of(name: str, value: str, names: Any) -> str:
    """``value`` if it is among ``names``; else ``ValueError`` naming the setting, what is allowed and the closest."""
    if value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, not {value!r}{hint(value, names)}")
    return value


def hint(value: Any, names: Any) -> str:
    """The name that was perhaps meant, in brackets, or nothing."""
    close = difflib.get_close_matches(str(value), list(names), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parse(entry: Entry, text: str) -> Any:
    """Turn what a person typed for this setting into its value, or raise ``ValueError`` in one sentence."""
    if entry.about.zero and text.strip().lower() == entry.about.zero:
        return entry.type(0)
    try:
        if entry.type is bool:
            return _TRUTH[text.strip().lower()]
        if entry.type is str:
            return text.strip()
        return read_number(text, entry.type is int, entry.about.unit)
    except (KeyError, ValueError):
        raise ValueError(
            f"{entry.path} must be {_WANTED[entry.type]}{_range(entry.about)}, not {text!r}"
        ) from None


def find(config: Any, path: str) -> Entry:
    """The setting at a dotted path; raises ``ValueError`` naming those there are and the closest one."""
    *outer, last = path.split(".")
    part = config
    for name in outer:
        part = next(
            (getattr(part, own) for own, about, _, _ in _declared_of(part) if own == name and not about), None
        )
    for name, about, kind, default in _declared_of(part):
        if name == last and about is not None:
            return Entry(path, kind, getattr(part, name), default, about)
    paths = values(config)
    raise ValueError(f"there is no setting {path!r}{hint(path, paths)}; the settings are {', '.join(paths)}")


def replace(config: Any, new: Mapping[str, Any]) -> Any:
    """A copy of ``config`` with the settings at some dotted paths replaced, checked once all are in place."""
    groups: dict[str, Any] = {}
    for path, value in new.items():
        find(config, path)
        head, _, rest = path.partition(".")
        groups[head] = replace(groups.get(head, getattr(config, head)), {rest: value}) if rest else value
    return dataclasses.replace(config, **groups)
