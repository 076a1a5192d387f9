"""What is said for a turn -> the deliveries that say it. Pure."""

from collections.abc import Sequence

from bridge import feedback, notices
from bridge.channel import CanShowButtons, Channel, Payload
from bridge.envelope import Envelope
from bridge.instance import Ending
from bridge.store.protocol import NewDelivery, TurnLease


def answer(
    lease: TurnLease, channel: Channel, replies: Sequence[Envelope], ending: Ending, *, rated: bool = False
) -> list[NewDelivery]:
    """The agent's answer, with a sentence of the bridge's where it does not speak for itself; never empty.

    `rated`: people may say under what the agent wrote whether it is good.
    """
    text = "\n\n".join(reply.text for reply in replies if reply.text.strip())
    said: list[NewDelivery] = []
    if text and rated and isinstance(channel, CanShowButtons):
        said = _deliveries(lease, "reply", channel.render_with_buttons(text, feedback.buttons(lease.seq)))
    elif text:
        said = messages(lease, channel, "reply", text)
    if ending.outcome == "failed":
        said += messages(lease, channel, "notice", notices.failed(ending.detail))
    elif ending.outcome == "incomplete":
        said += messages(lease, channel, "notice", notices.incomplete(ending.detail))
    return said or messages(lease, channel, "notice", notices.EMPTY)


def messages(lease: TurnLease, channel: Channel, kind: str, text: str) -> list[NewDelivery]:
    """The platform messages that show `text` where the turn was asked."""
    return _deliveries(lease, kind, channel.render(text))


def _deliveries(lease: TurnLease, kind: str, payloads: Sequence[Payload]) -> list[NewDelivery]:
    return [NewDelivery(lease.envelope.conversation, payload, kind, part) for part, payload in enumerate(payloads)]
