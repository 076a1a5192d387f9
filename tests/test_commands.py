import re
from pathlib import Path

import pytest

from bridge.commands import Asked, Command, invoked, read

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("text", ["!retry", "!Retry", " !RETRY\n", "`!retry`", "```\n!retry\n```"])
def test_a_command_is_the_whole_text_in_any_case(text: str) -> None:
    assert read(text) == Asked(Command.RETRY)


@pytest.mark.parametrize("command", list(Command))
def test_every_command_is_read(command: Command) -> None:
    assert read(command.value.upper()) == Asked(command)


@pytest.mark.parametrize("text", ["!link ABC-123", "!Link  ABC-123 ", "`!link ABC-123`"])
def test_a_ticket_stands_behind_link(text: str) -> None:
    assert read(text) == Asked(Command.LINK, "ABC-123")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "`",
        "!",
        "retry",
        "! retry",
        "!retry please",
        "please !retry",
        "!retry!",
        "!frobnicate",
        "!!retry",
        "/retry",
        "!link to the past",
        "!new begin",
    ],
)
def test_everything_else_is_for_the_agent(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("place", ["bridge/*.py", "bridge/instances/*.py", "adapters/discord/*.py", "README.md"])
def test_every_command_that_people_are_told_of_exists(place: str) -> None:
    named = {
        word for path in ROOT.glob(place) for word in re.findall(r"`(![a-z]+)\b", path.read_text(encoding="utf-8"))
    }
    assert {word for word in named if read(word) is None} == set()


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.parametrize("written", ["{}", " {} ", "!{}", "{}\n"])
def test_as_a_command_of_the_platform_a_word_needs_no_sign_before_it(command: Command, written: str) -> None:
    assert invoked(written.format(command.value.removeprefix("!"))) == Asked(command)


@pytest.mark.parametrize("words", ["", "  ", "!", "HELP"])
def test_no_word_at_all_asks_for_help(words: str) -> None:
    assert invoked(words) == Asked(Command.HELP)


def test_a_ticket_stands_behind_link_there_too() -> None:
    assert invoked("link ABC-123") == Asked(Command.LINK, "ABC-123")


@pytest.mark.parametrize("words", ["frobnicate", "stop it", "hello there", "!!stop", "/stop", "link a b", "`"])
def test_other_words_are_no_command(words: str) -> None:
    assert invoked(words) is None
