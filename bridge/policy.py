"""Who may trigger what: rules and facts -> which instance, which session, which place for the answer. Pure."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge import session
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.route import AS_CONFIGURED, Route
from bridge.rules import Rule


@dataclass(frozen=True, slots=True)
class Decision:
    """A message that may be answered."""

    instances: tuple[str, ...]
    """Who may answer, the preferred one first."""
    thread: str
    """The thread's own session id: what tells whether the bot takes part in it already."""
    session: str
    """The session if the thread has none yet."""
    binds_thread: bool
    """The thread keeps this session; otherwise the rule decides anew each time."""
    conversation: Conversation
    """Where the answer goes."""
    only_if_known: bool
    """Answered only if the bot takes part in the thread already."""
    wants_context: bool
    """If the bot does not take part in the thread yet, the agent is given what was said there before."""
    route: Route = AS_CONFIGURED
    """What is asked of whichever instance answers."""


def admits(rules: Sequence[Rule], channel: str, facts: Facts) -> Rule | None:
    """The first rule for this place and person. None: whatever they write reaches no agent in any way."""
    for rule in rules:
        if rule.channel == channel and _is_of(rule, facts) and _is_for(rule, facts):
            return None if facts.author_is_bot and not rule.bots else rule
    return None


def may_trigger(rules: Sequence[Rule], channel: str, facts: Facts) -> bool:
    """False: it is none of the bot's business, whoever wrote it."""
    return (
        facts.direct
        or facts.addressed
        or facts.in_thread
        or any(rule.channel == channel and rule.trigger == "always" for rule in rules)
    )


def groups_that_matter(rules: Sequence[Rule], channel: str, facts: Facts) -> frozenset[str]:
    """The groups on which it depends whether somebody is admitted, and by which rule; none if the rules say it all."""
    asked: set[str] = set()
    for rule in rules:
        if rule.channel == channel and _is_of(rule, facts):
            if _is_for(rule, replace(facts, groups=None)):
                break
            asked.update(rule.groups)
    return frozenset(asked)


def groups_of_rules(rules: Sequence[Rule], channel: str) -> frozenset[str]:
    """Every group that a rule of that channel names."""
    return frozenset(group for rule in rules if rule.channel == channel for group in rule.groups)


def decide(
    rules: Sequence[Rule], channel: str, envelope: Envelope, facts: Facts, *, command: bool = False
) -> Decision | None:
    """What becomes of a message; None: it is not answered. A command needs no mention where the bot takes part."""
    rule = admits(rules, channel, facts)
    if rule is None:
        return None
    follow_up = facts.in_thread and (rule.trigger != "mention-only" or command)
    readable = envelope.kind != "unreadable"
    triggered = facts.direct or facts.addressed or (rule.trigger == "always" and readable)
    if not triggered and not follow_up:
        return None
    flat = facts.direct and rule.dm_session == "channel"
    thread = session.thread_session(envelope.source, *facts.thread)
    session_id = _session(rule, envelope, facts, flat=flat) or thread
    chosen = _instance(rule, session_id)
    in_room = flat and not facts.in_thread and facts.unthreaded is not None
    return Decision(
        instances=(chosen, *(name for name in rule.instances() if name != chosen)),
        thread=thread,
        session=session_id,
        binds_thread=rule.session in ("thread", "ticket") and not flat,
        conversation=facts.unthreaded if in_room and facts.unthreaded else envelope.conversation,
        only_if_known=not triggered,
        route=Route(rule.model, rule.extra),
        wants_context=facts.in_thread and not flat,
    )


def _is_of(rule: Rule, facts: Facts) -> bool:
    """Whether a rule speaks of the place."""
    room = "dm" if facts.direct else facts.room
    anywhere = "*" in rule.rooms and not facts.direct
    return (anywhere or room in rule.rooms) and ("*" in rule.workspaces or facts.workspace in rule.workspaces)


def _is_for(rule: Rule, facts: Facts) -> bool:
    """Whether it speaks of the person."""
    return "*" in rule.users or facts.author in rule.users or not (facts.groups or frozenset()).isdisjoint(rule.groups)


def _session(rule: Rule, envelope: Envelope, facts: Facts, *, flat: bool) -> str | None:
    """The session where it is not the thread's own."""
    if rule.session == "ticket" and rule.ticket is not None and (ticket := _ticket(rule.ticket, envelope)):
        return session.ticket_session(ticket)
    if rule.session == "user":
        return session.user_session(envelope.source, facts.workspace, facts.author)
    if flat:
        return session.direct_session(envelope.source, facts.workspace, facts.room)
    if rule.session == "room":
        return session.room_session(envelope.source, facts.workspace, facts.room)
    return None


def _ticket(pattern: str, envelope: Envelope) -> str | None:
    issue = envelope.refs.get("issue")
    for text in (issue, envelope.text):
        if isinstance(text, str) and (found := re.search(pattern, text)) and found[0]:
            return found[0]
    return None


def _instance(rule: Rule, session_id: str) -> str:
    """The rule's instance, or the variant whose share of all sessions this one falls into; the same every time."""
    if not rule.variants:
        return rule.instance or ""
    total = sum(rule.variants.values())
    digest = hashlib.blake2s(session_id.encode(), digest_size=8).digest()
    point = int.from_bytes(digest, "big") % total
    for name, share in rule.variants.items():
        if point < share:
            return name
        point -= share
    raise AssertionError("the shares cover every point")
