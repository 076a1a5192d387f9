"""What is said for a turn -> the deliveries that say it. Pure."""

from collections.abc import Sequence

from bridge import files, notices
from bridge.channel import CanSendFiles, Channel
from bridge.envelope import Envelope
from bridge.files import File
from bridge.instance import Ending
from bridge.store.protocol import DeliveryLease, NewDelivery, TurnLease

MAX_FILES = 10
"""Of one answer."""
MAX_FILES_BYTES = 25 * 1024 * 1024
"""Of all files of one answer together."""
ANSWER = File("answer.md", "text/markdown", b"")
"""What a whole answer is called as a file."""


def answer(
    lease: TurnLease,
    channel: Channel,
    replies: Sequence[Envelope],
    ending: Ending,
    made: Sequence[File] = (),
    *,
    longest: int = 0,
) -> list[NewDelivery]:
    """The agent's answer, with a sentence of the bridge's where it does not speak for itself; never empty.

    Its first delivery is an ordinary message, so it can take over a preview's. Text of more than `longest` messages (0:
    any number) becomes its beginning and a file, `made` are files that the agent made.
    """
    text = "\n\n".join(reply.text for reply in replies if reply.text.strip())
    said = _text(lease, channel, text, longest) if text else []
    said += _files(lease, channel, made, alone=not said)
    if ending.outcome == "failed":
        said += messages(lease, channel, "notice", notices.failed(ending.detail))
    elif ending.outcome == "incomplete":
        said += messages(lease, channel, "notice", notices.incomplete(ending.detail))
    return said or messages(lease, channel, "notice", notices.EMPTY)


def messages(lease: TurnLease, channel: Channel, kind: str, text: str) -> list[NewDelivery]:
    """The platform messages that show `text` where the turn was asked."""
    return [
        NewDelivery(lease.envelope.conversation, payload, kind, part)
        for part, payload in enumerate(channel.render(text))
    ]


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


def _text(lease: TurnLease, channel: Channel, text: str, longest: int) -> list[NewDelivery]:
    whole = messages(lease, channel, "reply", text)
    if not longest or len(whole) <= longest or not isinstance(channel, CanSendFiles) or not channel.sends_files():
        return whole
    parts = _as_files(text, _most(channel))
    sentence = notices.attached(len(text), [part.name for part in parts])
    payloads = [whole[0].payload, *channel.render(sentence), *map(files.payload, parts)]
    return [NewDelivery(lease.envelope.conversation, payload, "reply", part) for part, payload in enumerate(payloads)]


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
        said += messages(lease, channel, "files", notices.brought([one["file"]["name"] for one in taken]))
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
