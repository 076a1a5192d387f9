"""Who may trigger what: rules and facts -> which instance, which session, which place for the answer. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge import pattern, session
from bridge.channel import Facts
from bridge.envelope import Conversation, Envelope
from bridge.route import AS_CONFIGURED, Route
from bridge.rules import Rule

_ANY_TICKET = r"[A-Za-z][A-Za-z0-9_]{0,30}[-#]?[0-9]{1,15}"
"""What a ticket looks like where the rule does not say."""


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
    catches_up: bool = False
    """If it does, the agent is given what was said there since it was asked last."""
    route: Route = AS_CONFIGURED
    """What is asked of whichever instance answers."""
    ticket: str | None = None
    """What a ticket looks like here, if the rule says."""
    if_paired: bool = False
    """Only if the operator has approved the author."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A rule by which somebody may talk."""

    rule: Rule
    if_paired: bool
    """Only once the operator has approved the person."""


def admission(rules: Sequence[Rule], channel: str, facts: Facts) -> Admission | None:
    """The first rule for this place and person. None: whatever they write reaches no agent in any way."""
    for rule in rules:
        if rule.channel != channel or not _is_of(rule, facts):
            continue
        named, policy = _names(rule, facts), rule.dm_policy if facts.direct else "open"
        if not named and policy != "pairing" and ("*" not in rule.users or policy == "allowlist"):
            continue
        paired = named or policy != "pairing"
        refused = policy == "off" or (facts.author_is_bot and not (rule.bots and paired))
        return None if refused else Admission(rule, if_paired=not paired)
    return None


def admits(rules: Sequence[Rule], channel: str, facts: Facts, *, paired: bool = False) -> Rule | None:
    """The rule by which somebody may talk now; `paired`: the operator has approved them."""
    found = admission(rules, channel, facts)
    return found.rule if found and (paired or not found.if_paired) else None


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
    unknown, asked = replace(facts, groups=None), set[str]()
    for rule in rules:
        if rule.channel == channel and _is_of(rule, facts):
            anybody = "*" in rule.users and not (facts.direct and rule.dm_policy in {"allowlist", "pairing"})
            if anybody or _names(rule, unknown):
                break
            asked.update(rule.groups)
            if facts.direct and rule.dm_policy == "pairing":
                break
    return frozenset(asked)


def groups_of_rules(rules: Sequence[Rule], channel: str) -> frozenset[str]:
    """Every group that a rule of that channel names."""
    return frozenset(group for rule in rules if rule.channel == channel for group in rule.groups)


def decide(
    rules: Sequence[Rule], channel: str, envelope: Envelope, facts: Facts, *, command: bool = False
) -> Decision | None:
    """What becomes of a message; None: it is not answered. A command needs no mention where the bot takes part."""
    admitted = admission(rules, channel, facts)
    if admitted is None:
        return None
    rule = admitted.rule
    follow_up = facts.in_thread and (rule.trigger != "mention-only" or command)
    readable = envelope.kind != "unreadable"
    triggered = facts.direct or facts.addressed or (rule.trigger == "always" and readable)
    if not triggered and not follow_up:
        return None
    flat = facts.direct and rule.dm_session == "channel"
    thread = session.thread_session(envelope.source, *facts.thread)
    session_id = _session(rule, envelope, facts, flat=flat, command=command) or thread
    chosen = _instance(rule, session_id)
    in_room = flat and not facts.in_thread and facts.unthreaded is not None
    return Decision(
        instances=(chosen, *(name for name in rule.instances() if name != chosen)),
        thread=thread,
        session=session_id,
        binds_thread=rule.session in ("thread", "ticket") and not flat,
        conversation=facts.unthreaded if in_room and facts.unthreaded else envelope.conversation,
        only_if_known=not triggered,
        route=Route(rule.model, rule.extra, rule.tell_room),
        wants_context=facts.in_thread and not flat,
        catches_up=rule.trigger == "mention-only" and facts.in_thread and not flat,
        ticket=rule.ticket,
        if_paired=admitted.if_paired,
    )


def ticket_named(decision: Decision, name: str) -> str | None:
    """The session of the ticket of that name; None if no ticket is called so here."""
    return session.ticket_session(name) if pattern.fits(decision.ticket or _ANY_TICKET, name) else None


def _is_of(rule: Rule, facts: Facts) -> bool:
    """Whether a rule speaks of the place."""
    room = "dm" if facts.direct else facts.room
    anywhere = "*" in rule.rooms and not facts.direct
    return (anywhere or room in rule.rooms) and ("*" in rule.workspaces or facts.workspace in rule.workspaces)


def _names(rule: Rule, facts: Facts) -> bool:
    """Whether it names the person, by id or by a group."""
    return facts.author in rule.users or not (facts.groups or frozenset()).isdisjoint(rule.groups)


def _session(rule: Rule, envelope: Envelope, facts: Facts, *, flat: bool, command: bool) -> str | None:
    """The session where it is not the thread's own. A command joins no ticket by naming it."""
    if rule.session == "ticket" and rule.ticket and not command and (ticket := _ticket(rule.ticket, envelope, facts)):
        return session.ticket_session(ticket)
    if rule.session == "user":
        return session.user_session(envelope.source, facts.workspace, facts.author)
    if flat:
        return session.direct_session(envelope.source, facts.workspace, facts.room)
    if rule.session == "room":
        return session.room_session(envelope.source, facts.workspace, facts.room)
    return None


def _ticket(ticket: str, envelope: Envelope, facts: Facts) -> str | None:
    """The first that is named: by a link, in the title, in the text."""
    issue = envelope.refs.get("issue")
    named = (pattern.first(ticket, text) for text in (issue, facts.title, envelope.text) if isinstance(text, str))
    return next((found for found in named if found), None)


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
