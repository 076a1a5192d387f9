"""Who comes and who goes, as the others see it."""

from collections.abc import Sequence

from structlog.testing import capture_logs

from bridge.peers import Company
from bridge.store.peers import About, Peer, Peers

OURS = About(channels=("c",), settings={"[bridge]": "1", "[channels.c]": "2", "[channels.d]": "3"})
SAME = Peer("1", "one:1", OURS)
OTHER = Peer("2", "two:2", About(listens=False, settings={"[bridge]": "9", "[channels.c]": "2", "[instances.i]": "4"}))


def told(*answers: Peers) -> Sequence[Sequence[str | tuple[str, object]]]:
    """What each answer of the store has a company log, `gone` where it called that after it."""
    said: list[list[str | tuple[str, object]]] = []
    company = Company(OURS, lambda: said[-1].append("gone"))
    for peers in answers:
        said.append([])
        with capture_logs() as logs:
            company.met(peers)
        said[-1][:0] = [(line["event"], line["process"]) for line in logs]
    return said


def test_whoever_joins_is_named_once() -> None:
    assert told(Peers([SAME]), Peers([SAME])) == [[("process.joined", "one:1")], []]


def test_what_a_process_that_joins_does_and_where_it_is_set_up_otherwise_is_said() -> None:
    with capture_logs() as logs:
        Company(OURS, lambda: None).met(Peers([OTHER]))
    joined, differs = logs
    assert (joined["log_level"], joined["listens"], joined["works"]) == ("info", False, True)
    assert (differs["event"], differs["log_level"], differs["process"]) == ("process.differs", "warning", "two:2")
    assert differs["differs"] == ["[bridge]", "[channels.d]", "[instances.i]"]


def test_whoever_falls_silent_is_gone_and_that_is_noted_once() -> None:
    silent = Peers([OTHER], [SAME])
    assert told(Peers([SAME, OTHER]), silent, silent)[1:] == [[("process.gone", "one:1"), "gone"], []]


def test_whoever_says_that_it_ends_is_not_gone() -> None:
    assert told(Peers([SAME]), Peers()) == [[("process.joined", "one:1")], []]


def test_whoever_was_silent_before_is_not_gone() -> None:
    assert told(Peers((), [SAME])) == [[]]


def test_whoever_was_gone_and_comes_back_joins_and_can_be_gone_again() -> None:
    alive, silent = Peers([SAME]), Peers((), [SAME])
    joined, gone = [("process.joined", "one:1")], [("process.gone", "one:1"), "gone"]
    assert told(alive, silent, alive, silent) == [joined, gone, joined, gone]
