"""`threadbridge demo` as a person starts it."""

import os
import pty
import re
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "bridge", "demo"]


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=50
    )


def test_one_message_shows_its_thread_session_envelope_and_timing_on_each_platform() -> None:
    done = demo("--say", "hello")
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert shown.count("Ada: @threadbridge hello\n  threadbridge: You said: hello\n") == 2
    assert re.search(r"^session   slack-t0demo0001-c0000000001-\d+\.\d+$", shown, re.MULTILINE)
    found = re.search(r"^discord thread \d+/(\d+)$", shown, re.MULTILINE)
    assert found
    assert re.search(rf"^session   discord-\d+-{found[1]}$", shown, re.MULTILINE)
    assert shown.count('"text": "hello"') == shown.count('"display": "Ada"') == 2
    for stage in ("committed", "turn started", "answered and committed", "posted and committed", "seen in the thread"):
        assert len(re.findall(rf"^ +[\d.]+  {stage}$", shown, re.MULTILINE)) == 2


def test_a_message_that_is_not_answered_as_it_should_be_makes_it_fail() -> None:
    done = demo("--say", "[[empty]] hello")
    assert done.returncode == 1
    assert "the answer does not speak of what was said" in done.stderr


@pytest.mark.timeout(90)
def test_without_a_terminal_the_story_is_played_to_its_end() -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is dead; Ada goes on writing") == 2
    assert done.stdout.endswith("Every message was answered once, in order, in its own thread.\n")
    settled = re.findall(r"(slack|discord)-\S+: \d turns, 0 waiting, 0 unposted", done.stdout)
    assert sorted(settled) == ["discord", "discord", "slack", "slack"]


@pytest.mark.timeout(90)
def test_at_a_terminal_one_writes_as_a_person_in_a_thread() -> None:
    terminal, theirs = pty.openpty()
    program = subprocess.Popen(COMMAND, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = ""

    def until(words: str) -> None:
        nonlocal shown
        while words not in shown:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
        shown = shown.partition(words)[2]

    def type_in(line: str) -> None:
        os.write(terminal, f"{line}\n".encode())

    until("/quit")
    type_in("I count apples")
    until("You said: I count apples")
    type_in("/as Bo")
    until("you are Bo now")
    type_in("what did I say before?")
    until("1. I count apples")
    type_in("/kill")
    until("killed and started again")
    type_in("/new")
    until("opens another thread")
    type_in("what did I say before?")
    until("You have not said anything before.")
    type_in("/on slack")
    until("you are on slack now")
    type_in("and here?")
    until("You said: and here?")
    type_in("/on irc")
    until("/on PLATFORM  go to another platform: discord, slack")
    type_in("/quit")
    assert program.wait(timeout=30) == 0
    os.close(terminal)
