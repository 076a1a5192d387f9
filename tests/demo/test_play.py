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


def test_one_message_shows_its_thread_session_envelope_and_timing() -> None:
    done = demo("--say", "hello")
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "Ada: @threadbridge hello\n  threadbridge: You said: hello\n" in shown
    assert re.search(r"^session   slack-t0demo0001-c0000000001-\d+\.\d+$", shown, re.MULTILINE)
    assert '"text": "hello"' in shown
    assert '"display": "Ada"' in shown
    assert [name for name in ("committed", "turn started", "answered", "posted", "seen") if name not in shown] == []


def test_a_message_that_is_not_answered_as_it_should_be_makes_it_fail() -> None:
    done = demo("--say", "[[empty]] hello")
    assert done.returncode == 1
    assert "the answer does not speak of what was said" in done.stderr


@pytest.mark.timeout(90)
def test_without_a_terminal_the_story_is_played_to_its_end() -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    assert "is dead; Ada goes on writing" in done.stdout
    assert done.stdout.endswith("Every message was answered once, in order, in its own thread.\n")
    assert len(set(re.findall(r"slack-t0demo0001-\S+: \d turns, 0 waiting, 0 unposted", done.stdout))) == 2


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
    type_in("/quit")
    assert program.wait(timeout=30) == 0
    os.close(terminal)
