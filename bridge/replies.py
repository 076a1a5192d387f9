"""What is said for a turn -> the deliveries that say it: messages, files, and sentences about what is missing. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge import feedback, files, handles, notices
from bridge.abilities import CanMention, CanSendFiles
from bridge.actions import Button, CanShowButtons
from bridge.attached import Left
from bridge.channel import Channel, Payload
from bridge.envelope import Conversation, Envelope
from bridge.files import File
from bridge.instance import UNASKED, Ending
from bridge.store.protocol import DeliveryLease, NewDelivery, TurnLease

MAX_FILES = 10
"""Of one answer."""
MAX_FILES_BYTES = 25 * 1024 * 1024
"""Of all files of one answer together."""
ANSWER = File("answer.md", "text/markdown", b"")
"""What a whole answer is called as a file."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an agent's answers are given, as far as the channel can."""

    mention: bool = False
    """Whoever asked is notified."""
    rated: bool = False
    """People may say under an answer whether it is good."""
    longest: int = 0
    """Text of more messages than that becomes its beginning and a file; 0: never."""


PLAIN = Manner()


@dataclass(slots=True)
class Said:
    """What came of asking the agent."""

    left: Sequence[Left] = ()
    """Attached files that it was not given."""
    replies: list[Envelope] = field(default_factory=list[Envelope])
    files: list[File] = field(default_factory=list[File])
    """Those that it made."""
    ending: Ending = field(default_factory=Ending)


def asked_by_bot(envelope: Envelope) -> bool:
    """Whether another bot wrote that; what an agent says by itself is no question."""
    return envelope.actor.type == "agent" and envelope.kind != UNASKED


def answer(lease: TurnLease, channel: Channel, came: Said, manner: Manner = PLAIN) -> list[NewDelivery]:
    """The agent's answer, with a sentence of the bridge's where it does not speak for itself.

    Never empty where a person asked.

    Its first delivery is an ordinary message, so it can take over a preview's.
    """
    ending, left = came.ending, came.left
    text = "\n\n".join(reply.text for reply in came.replies if reply.text.strip())
    said = _deliveries(lease, "reply", _text(lease, channel, text, manner)) if text else []
    said += _files(lease, channel, came.files, alone=not said)
    if ending.outcome == "failed":
        said += messages(lease, channel, "notice", notices.failed(ending.detail), handles.retry(lease.seq))
    elif ending.outcome == "incomplete":
        said += messages(lease, channel, "notice", notices.incomplete(ending.detail))
    elif ending.outcome == "refused":
        said += messages(lease, channel, "notice", notices.REFUSED)
    said = said or messages(lease, channel, "notice", notices.EMPTY)
    return said + (messages(lease, channel, "not passed on", notices.not_passed_on(left)) if left else [])


def messages(
    lease: TurnLease, channel: Channel, kind: str, text: str, button: Button | None = None
) -> list[NewDelivery]:
    """The platform messages by which the bridge itself says `text` where the turn was asked.

    None where another bot asked: it might answer them.
    """
    if asked_by_bot(lease.envelope):
        return []
    if button is None or not isinstance(channel, CanShowButtons):
        return said_in(lease.envelope.conversation, channel, kind, text)
    return _deliveries(lease, kind, channel.render_with_buttons(text, [button]))


def said_in(place: Conversation, channel: Channel, kind: str, text: str) -> list[NewDelivery]:
    """The platform messages by which the bridge itself says `text` there."""
    return [NewDelivery(place, payload, kind, part) for part, payload in enumerate(channel.render(text))]


def stopped(lease: TurnLease, channel: Channel, text: str) -> list[NewDelivery]:
    """What the agent had written when somebody stopped it, and that it was stopped."""
    written = _deliveries(lease, "reply", channel.render(text)) if text.strip() else []
    return written + messages(lease, channel, "notice", notices.STOPPED, handles.retry(lease.seq))


def mentioned(channel: Channel, payloads: Sequence[Payload], asked: Envelope) -> Sequence[Payload]:
    """The same, notifying whoever asked where the channel can."""
    return channel.mention(payloads, asked) if isinstance(channel, CanMention) else payloads


def instead(lease: DeliveryLease, channel: Channel) -> list[NewDelivery]:
    """What is said where the platform does not take a file: the answer in messages, or that there is a file.

    The same whenever it is asked for, under a kind of its own, so it is said once.
    """
    file = files.read(lease.payload)
    if file is None:
        return []
    text = file.content.decode() if lease.kind == "reply" else notices.FILE_REFUSED.format(name=file.name)
    return [
        NewDelivery(lease.conversation, payload, f"instead of {lease.id}", part)
        for part, payload in enumerate(channel.render(text))
    ]


def _deliveries(lease: TurnLease, kind: str, payloads: Sequence[Payload]) -> list[NewDelivery]:
    return [NewDelivery(lease.envelope.conversation, payload, kind, part) for part, payload in enumerate(payloads)]


def _text(lease: TurnLease, channel: Channel, text: str, manner: Manner) -> Sequence[Payload]:
    """What the agent wrote, with what goes before and after it."""
    whole = channel.render(text)
    if (
        not manner.longest
        or len(whole) <= manner.longest
        or not isinstance(channel, CanSendFiles)
        or not channel.sends_files()
    ):
        payloads = _rated(lease, channel, text) if manner.rated else whole
        return mentioned(channel, payloads, lease.envelope) if manner.mention else payloads
    parts = _as_files(text, _most(channel))
    sentence = notices.attached(len(text), [part.name for part in parts])
    after = _rated(lease, channel, sentence) if manner.rated else channel.render(sentence)
    first = mentioned(channel, whole[:1], lease.envelope) if manner.mention else whole[:1]
    return [*first, *after, *map(files.payload, parts)]


def _rated(lease: TurnLease, channel: Channel, text: str) -> Sequence[Payload]:
    if isinstance(channel, CanShowButtons):
        return channel.render_with_buttons(text, feedback.buttons(lease.seq))
    return channel.render(text)


def _as_files(text: str, most: int) -> list[File]:
    """The text as one file, or as several numbered ones if it is too long for one."""
    content = text.encode()
    if len(content) <= most:
        return [File(ANSWER.name, ANSWER.media_type, content)]
    step = most // 4  # characters, of at most four bytes each
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    return [
        File(ANSWER.name.replace(".", f"-{number}."), ANSWER.media_type, piece.encode())
        for number, piece in enumerate(pieces, 1)
    ]


def _files(lease: TurnLease, channel: Channel, made: Sequence[File], *, alone: bool) -> list[NewDelivery]:
    """The agent's files, and a sentence about those that cannot be posted; no file comes first."""
    taken, refused = _sorted(channel, made)
    place = lease.envelope.conversation
    said: list[NewDelivery] = []
    if taken and alone:
        brought = channel.render(notices.brought([one["file"]["name"] for one in taken]))
        said += _deliveries(lease, "files", brought)
    said += [NewDelivery(place, payload, "file", part) for part, payload in enumerate(taken)]
    if refused:
        said += messages(lease, channel, "left out", notices.left_out(refused))
    return said


def _sorted(channel: Channel, made: Sequence[File]) -> tuple[list[files.Payload], list[tuple[str, str]]]:
    """The payloads of the files that can be posted, and why others cannot."""
    taken: list[files.Payload] = []
    refused: list[tuple[str, str]] = []
    left = MAX_FILES_BYTES
    for file in made:
        size = len(file.content)
        why = _why_not(channel, size, left, len(taken))
        if why is None:
            taken.append(files.payload(file))
            left -= size
        else:
            refused.append((files.safe_name(file.name, file.media_type), why))
    return taken, refused


def _why_not(channel: Channel, size: int, left: int, taken: int) -> str | None:
    if not isinstance(channel, CanSendFiles) or not channel.sends_files():
        return "(files cannot be posted here)"
    if not size:
        return "came without content"
    if size > _most(channel):
        return f"is larger than {_most(channel) // 2**20} MiB"
    if taken >= MAX_FILES:
        return f"is one more than the {MAX_FILES} files that an answer may have"
    return "is too much with the others" if size > left else None


def _most(channel: CanSendFiles) -> int:
    return min(channel.file_bytes, files.MAX_BYTES)
