"""Numbers as Java reads and prints them: `Double.toString` and `Float.toString` of Java 19 on, `Double.valueOf`."""

import math
import re
import struct
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

_DECIMAL: Final = re.compile(r"([+-]?)(?:(NaN|Infinity)|((?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)[fFdD]?)")
_HEXADECIMAL: Final = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F]++\.?[0-9a-fA-F]*+|\.[0-9a-fA-F]++)[pP][+-]?[0-9]++(?=([fFdD]?)\Z)"
)
_JAVA_BLANKS: Final = "".join(map(chr, range(0x21)))


def double_text(value: float) -> str:
    """`Double.toString`: NaN and the infinities by name."""
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3:
        return repr(value)
    if value == 0:
        return repr(value)
    if not math.isfinite(value):
        return _special_text(value)
    shortest = repr(value)
    digits, exponent = _parts(shortest)
    if len(digits) == 1:
        digits, exponent = _parts(f"{value:.1e}")
    return _scientific(value, digits, exponent)


def float_text(value: float) -> str:
    """`Float.toString` of a value that is already a 32-bit float."""
    if value == 0 or not math.isfinite(value):
        return double_text(value)
    shortest = _shortest_float(value)
    if 1e-3 <= abs(value) < 1e7:
        return repr(float(shortest))
    return _scientific(value, *_parts(shortest))


def to_float(value: float) -> float:
    """The nearest 32-bit float; beyond its range, infinity."""
    try:
        return float(struct.unpack(">f", struct.pack(">f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def parse_double(text: str) -> float | None:
    """`Double.valueOf`, or None for a text that it refuses."""
    text = text.strip(_JAVA_BLANKS)
    match = _DECIMAL.fullmatch(text)
    if match:
        sign, special, digits = match.groups()
        number = float(digits) if digits else float(special)
        return -number if sign == "-" else number
    match = _HEXADECIMAL.match(text)
    return _from_hexadecimal(match.group()) if match else None


def _from_hexadecimal(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return -math.inf if text.startswith("-") else math.inf


def _special_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _shortest_float(value: float) -> str:
    """The shortest decimal that reads back as the float; where one digit would do, Java takes the best of two."""
    if struct.unpack(">I", struct.pack(">f", value))[0] & 0x7FFFFF == 0:
        return _shortest_power(value)
    for digits in range(1, 9):
        text = f"{value:.{digits}e}"
        if to_float(float(text)) == value:
            return text
    return repr(value)


def _shortest_power(value: float) -> str:
    """Floats stand half as dense above a power of two as below: its shortest decimal need not be the nearest."""
    exact = Decimal(value)
    for length in range(2, 10):
        near = [Context(prec=length, rounding=rounding).plus(exact) for rounding in (ROUND_FLOOR, ROUND_CEILING)]
        fitting = [decimal for decimal in near if to_float(float(decimal)) == value]
        if fitting:
            return f"{min(fitting, key=lambda decimal: abs(exact - decimal)):e}"
    return repr(value)


def _parts(text: str) -> tuple[str, int]:
    """Significant digits, and the exponent of the first of them, of a number as Python prints it."""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    significant = digits.lstrip("0")
    return significant.rstrip("0"), int(exponent or 0) + len(whole) - 1 - (len(digits) - len(significant))


def _scientific(value: float, digits: str, exponent: int) -> str:
    """Java's layout outside 10^-3 <= |x| < 10^7: one digit before the point and an exponent without plus sign."""
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{exponent}"
