"""Selecting rows by their attributes: ``mouth=smile & hair=long``, ``class=dog | tilt > 10``.

The grammar, loosest first: ``a | b``, ``a & b``, ``!a``, ``(a)``, ``NAME OP VALUE`` with OP out
of ``= == != < <= > >=``. Names and values may hold spaces; quote what holds any of
``& | ! ( ) < > =``.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ganlens.data.kinds import LABELS_OR_A_TABLE
from ganlens.errors import GanlensError

TOKEN = re.compile(r"""\s*("[^"]*"|'[^']*'|==|!=|<=|>=|[=<>!&|()]|[^=<>!&|()"'\s][^=<>!&|()"']*)""")
COMPARE: dict[str, Callable[[Any, Any], np.ndarray]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SYMBOLS = frozenset("&|!()") | COMPARE.keys()
MAX_DEPTH = (
    50  # nested parentheses and negations: far beyond use, far below Python's recursion limit
)
SHOWN = 20  # how many valid values an error lists


def select(
    expression: str, columns: Mapping[str, np.ndarray], values: Mapping[str, tuple[str, ...]]
) -> np.ndarray:
    """Return a mask of the rows that satisfy an expression.

    Args:
        expression: see the head of this file.
        columns: name -> (N,) array: strings (categorical) or float64 (numeric).
        values: categorical name -> its valid values; a valid value may have no row.

    Returns:
        (N,) bool.

    Raises:
        GanlensError: the expression cannot be parsed, or names an unknown attribute or value.
    """
    if not columns:
        raise GanlensError(
            f"{expression!r} cannot be selected: the data has neither attributes nor classes; "
            f"add {LABELS_OR_A_TABLE}"
        )
    return _Parser(expression, columns, values).parse()


class _Parser:
    """Recursive descent over the tokens; every method returns the mask of what it consumed."""

    def __init__(
        self,
        expression: str,
        columns: Mapping[str, np.ndarray],
        values: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.expression = expression
        self.columns = columns
        self.values = values
        self.tokens = self._tokenize()
        self.depth = 0

    def _tokenize(self) -> list[str]:
        tokens, position, text = [], 0, self.expression.rstrip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise self._error(f"unclosed quote at {text[position:]!r}")
            tokens.append(match[1].rstrip())
            position = match.end()
        return tokens[::-1]  # a stack: the next token is the last

    def _error(self, problem: str) -> GanlensError:
        example = next(iter(self.columns))
        return GanlensError(
            f'selection {self.expression!r}: {problem}; write for example "{example}=VALUE", '
            "joined by & | ! and parentheses"
        )

    def _peek(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def parse(self) -> np.ndarray:
        mask = self._either()
        if self.tokens:
            raise self._error(f"{self._peek()!r} is one too many")
        return mask

    def _either(self) -> np.ndarray:
        mask = self._both()
        while self._peek() == "|":
            self.tokens.pop()
            mask = mask | self._both()
        return mask

    def _both(self) -> np.ndarray:
        mask = self._unary()
        while self._peek() == "&":
            self.tokens.pop()
            mask = mask & self._unary()
        return mask

    def _unary(self) -> np.ndarray:
        if self._peek() not in ("!", "("):
            return self._comparison()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} nested parentheses or negations")
        negate = self.tokens.pop() == "!"
        mask = ~self._unary() if negate else self._either()
        if not negate and (not self.tokens or self.tokens.pop() != ")"):
            raise self._error("a parenthesis is not closed")
        self.depth -= 1
        return mask

    def _word(self, what: str) -> str:
        if not self.tokens:
            raise self._error(f"it ends where {what} should follow")
        token = self.tokens.pop()
        if token in SYMBOLS:
            raise self._error(f"{token!r} stands where {what} should")
        return token[1:-1] if token[0] in "\"'" else token

    def _comparison(self) -> np.ndarray:
        name = self._word("an attribute")
        if name not in self.columns:
            raise GanlensError(
                f"attribute {name!r} is not known: choose from {_some(self.columns)}"
            )
        if self._peek() not in COMPARE:
            raise self._error(f"{name!r} needs a comparison, one of {' '.join(COMPARE)}")
        sign = self.tokens.pop()
        value = self._word("a value")
        return COMPARE[sign](self.columns[name], self._operand(name, sign, value))

    def _operand(self, name: str, sign: str, value: str) -> float | str:
        column = self.columns[name]
        if column.dtype.kind == "f":
            return self._number(name, value)
        valid = self.values.get(name) or tuple(np.unique(column).tolist())
        if sign not in ("=", "==", "!="):
            raise GanlensError(
                f"attribute {name!r} is not numeric, so {sign!r} does not apply: use = or != with "
                f"one of {_some(valid)}"
            )
        if value not in valid:
            raise GanlensError(f"{name} {value!r} is not known: choose from {_some(valid)}")
        return value

    def _number(self, name: str, value: str) -> float:
        try:
            return float(value)
        except ValueError:
            low, high = np.nanmin(self.columns[name]), np.nanmax(self.columns[name])
            raise GanlensError(
                f"{name} {value!r} is not a number: {name} is numeric, from {low:g} to {high:g}"
            ) from None


def _some(valid: object) -> str:
    names = list(map(str, valid))  # type: ignore[call-overload]
    more = f" ... ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
