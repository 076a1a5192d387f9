"""What is said for a turn -> the deliveries that say it. Pure."""

from collections.abc import Sequence

from bridge import notices
from bridge.attached import Left
from bridge.channel import CanMention, Channel, Payload
from bridge.envelope import Envelope
from bridge.instance import Ending
from bridge.store.protocol import NewDelivery, TurnLease


def answer(
    lease: TurnLease,
    channel: Channel,
    replies: Sequence[Envelope],
    ending: Ending,
    left: Sequence[Left] = (),
    *,
    mention: bool = False,
) -> list[NewDelivery]:
    """The agent's answer, with a sentence of the bridge's where it does not speak for itself; never empty.

    After it, which of the attached files were `left` out. `mention`: whoever asked is notified.
    """
    text = "\n\n".join(reply.text for reply in replies if reply.text.strip())
    said = messages(lease, channel, "reply", text, mention=mention) if text else []
    if ending.outcome == "failed":
        said += messages(lease, channel, "notice", notices.failed(ending.detail))
    elif ending.outcome == "incomplete":
        said += messages(lease, channel, "notice", notices.incomplete(ending.detail))
    elif ending.outcome == "refused":
        said += messages(lease, channel, "notice", notices.REFUSED)
    said = said or messages(lease, channel, "notice", notices.EMPTY)
    return said + (messages(lease, channel, "files", notices.not_passed_on(left)) if left else [])


def messages(lease: TurnLease, channel: Channel, kind: str, text: str, *, mention: bool = False) -> list[NewDelivery]:
    """The platform messages that show `text` where the turn was asked."""
    payloads = mentioned(channel, channel.render(text), lease.envelope) if mention else channel.render(text)
    return [NewDelivery(lease.envelope.conversation, payload, kind, part) for part, payload in enumerate(payloads)]


def mentioned(channel: Channel, payloads: Sequence[Payload], asked: Envelope) -> Sequence[Payload]:
    """The same, notifying whoever asked where the channel can."""
    return channel.mention(payloads, asked) if isinstance(channel, CanMention) else payloads
