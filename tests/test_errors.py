"""The one exception that users see: a line of bounded length."""

from ganlens.errors import LONGEST, GanlensError


def test_a_message_is_one_line() -> None:
    assert str(GanlensError("a\n  b\tc")) == "a b c"


def test_a_long_message_keeps_its_start_and_its_end() -> None:
    short = f"box {'x' * (LONGEST - 20)}: give another"
    assert str(GanlensError(short)) == short
    message = str(GanlensError(f"box {'[1, ' * 100_000}: give another"))
    assert message.startswith("box [1,")
    assert message.endswith(": give another")
    assert LONGEST <= len(message) <= LONGEST + 10
