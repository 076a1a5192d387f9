"""What is said for a turn -> the deliveries that say it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge import feedback, notices
from bridge.attached import Left
from bridge.channel import CanMention, CanShowButtons, Channel, Payload
from bridge.envelope import Envelope
from bridge.instance import Ending
from bridge.store.protocol import NewDelivery, TurnLease


@dataclass(frozen=True, slots=True)
class Manner:
    """How an agent's answers are given, as far as the channel can."""

    mention: bool = False
    """Whoever asked is notified."""
    rated: bool = False
    """People may say under an answer whether it is good."""


PLAIN = Manner()


@dataclass(slots=True)
class Said:
    """What came of asking the agent."""

    left: Sequence[Left] = ()
    """Attached files that it was not given."""
    replies: list[Envelope] = field(default_factory=list[Envelope])
    ending: Ending = field(default_factory=Ending)


def answer(lease: TurnLease, channel: Channel, came: Said, manner: Manner = PLAIN) -> list[NewDelivery]:
    """The agent's answer, with a sentence of the bridge's where it does not speak for itself; never empty."""
    ending, left = came.ending, came.left
    text = "\n\n".join(reply.text for reply in came.replies if reply.text.strip())
    said = _deliveries(lease, "reply", _payloads(lease, channel, text, manner)) if text else []
    if ending.outcome == "failed":
        said += messages(lease, channel, "notice", notices.failed(ending.detail))
    elif ending.outcome == "incomplete":
        said += messages(lease, channel, "notice", notices.incomplete(ending.detail))
    elif ending.outcome == "refused":
        said += messages(lease, channel, "notice", notices.REFUSED)
    said = said or messages(lease, channel, "notice", notices.EMPTY)
    return said + (messages(lease, channel, "files", notices.not_passed_on(left)) if left else [])


def messages(lease: TurnLease, channel: Channel, kind: str, text: str) -> list[NewDelivery]:
    """The platform messages by which the bridge itself says `text` where the turn was asked."""
    return _deliveries(lease, kind, channel.render(text))


def mentioned(channel: Channel, payloads: Sequence[Payload], asked: Envelope) -> Sequence[Payload]:
    """The same, notifying whoever asked where the channel can."""
    return channel.mention(payloads, asked) if isinstance(channel, CanMention) else payloads


def _payloads(lease: TurnLease, channel: Channel, text: str, manner: Manner) -> Sequence[Payload]:
    if manner.rated and isinstance(channel, CanShowButtons):
        payloads = channel.render_with_buttons(text, feedback.buttons(lease.seq))
    else:
        payloads = channel.render(text)
    return mentioned(channel, payloads, lease.envelope) if manner.mention else payloads


def _deliveries(lease: TurnLease, kind: str, payloads: Sequence[Payload]) -> list[NewDelivery]:
    return [NewDelivery(lease.envelope.conversation, payload, kind, part) for part, payload in enumerate(payloads)]
