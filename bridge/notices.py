"""What the bridge itself says in a thread: one plain sentence each, with what to do. Pure."""

from collections.abc import Mapping, Sequence

from bridge.attached import Left
from bridge.errors import Interruption

EMPTY = "The agent finished without an answer. Ask again, or put it differently."
GAVE_UP = (
    "The agent could not be reached for too long, so this message was given up. "
    "When it is back, write `!retry` to ask it again."
)
BROKEN = (
    "Something went wrong in the bridge with this message; the operator finds it in the log as turn {turn}. "
    "Write `!retry` to ask it again."
)
UNREACHABLE = "The agent cannot be reached at the moment. Your message waits and is answered as soon as it is back."
FILE_REFUSED = "The file `{name}` could not be posted here. It is kept: whoever runs this bot finds it in the store."
NOTHING_TO_RETRY = "There is nothing to try again here."
REFUSED = "The agent declined to answer. Put it differently, or ask your operator what it may do."

STOPPED = "The agent was stopped here. Write on, or `!retry` to ask it again."
DROPPED = "The message that waited for the agent is not asked any more. `!retry` asks it again."
WILL_STOP = "The agent is being stopped."
RUNS_NO_MORE = "The agent does not work on that any more."
ASKED_AGAIN = "It is asked again."
NOTHING_RUNS = "Nothing is being worked on here."
BEGUN_ANEW = "From here on the conversation begins afresh: the agent knows nothing of what was said before."
NOTHING_YET = "Nothing was asked here yet."
ALREADY_LINKED = "This is a conversation of that ticket already."
NOT_LINKED = "This conversation belongs to no ticket."
UNLINKED = "This conversation has a session of its own again."
OTHER_TEAMS_TICKET = "That ticket is another team's, so its conversation cannot be joined from here."
WHICH_TICKET = "Write the ticket behind it, like `!link ABC-123`."
HELP = """\
What you write here goes to the agent `{instance}`, and its answers come back here. These are for the bridge itself:

- `!stop` stops what the agent does here
- `!retry` asks again what could not be answered
- `!new` begins afresh, without what was said before
- `!status` says what the agent does here, and what waits
- `!link ABC-123` makes this a conversation of that ticket, `!unlink` ends that
- `!help` says this"""

_INTERRUPTED: Mapping[Interruption, str] = {
    "cut": "The connection to the agent was cut while it worked on this",
    "silent": "The agent sent nothing for too long while it worked on this",
    "long": "The agent worked on this for longer than it may",
}
_INCOMPLETE: Mapping[str, str] = {
    # reason -> the sentence; https://platform.openai.com/docs/api-reference/responses/object#incomplete_details
    "max_output_tokens": "The answer ends here because it became too long for the agent. Ask it to go on.",
    "content_filter": "The answer ends here because a content filter stopped the agent. Put the question differently.",
    "cancelled": "The answer ends here because the agent was stopped. Write `!retry` to ask it again.",
    # `yield_reason` of a turn; https://docs.opencomputer.dev/agent-sessions/api-reference
    "needs_input": "The agent needs your answer to go on. Write it here.",
    "budget_exceeded": "The agent stopped here because its budget of tokens is used up. Ask your operator for more.",
    "deadline_exceeded": "The agent stopped here because it worked for as long as it may. Write on, and it goes on.",
    "max_turns": "The agent stopped here because it took as many steps as it may. Write on, and it goes on.",
    "canceled": "The agent was stopped here. Write on, and it goes on.",
}


def unknown(why: Interruption = "cut") -> str:
    """Nobody knows what became of the question."""
    return (
        f"{_INTERRUPTED[why]}, so nobody knows whether it finished. "
        "If you still need an answer, write `!retry` to ask it again."
    )


def dropped(why: Interruption = "cut") -> str:
    """The same where the operator wants such questions dropped."""
    return f"{_INTERRUPTED[why]}; the question was dropped. Write `!retry` to ask it again."


_WHOSE: Mapping[str, str] = {
    "user": "You have",
    "room": "This channel has",
    "instance": "This agent has",
}


def bot_silenced(answers: int, window: float) -> str:
    """Another bot is not answered any more for a while."""
    return (
        f"I answered another bot here {answers} times within {window:.0f} seconds, so its messages stay unanswered for "
        "now; people are answered as before. If the two of us are meant to talk this much, ask whoever runs me to "
        "raise `bot_turns`."
    )


def over_budget(scope: str, measure: str, limit: int) -> str:
    """A message was not passed on."""
    if measure == "turns":
        used, again = f"{limit} messages within this minute", "in a minute"
    else:
        used, again = f"all the tokens of today ({limit:,})", "after midnight UTC"
    return f"{_WHOSE[scope]} used {used}, so this was not passed on. Write `!retry` {again} to ask it then."


VOTED_GOOD = "Noted: a good answer. Press the other button if you change your mind."
VOTED_BAD = "Noted: a bad answer. Press the other button if you change your mind."
BUTTON_IS_NOT_FOR_YOU = "That button is not for you here: whoever runs this bot decides who may use it."
BUTTON_DOES_NOTHING = "That button does nothing any more."
NOT_FOR_YOU = "That is not for you here: whoever runs this bot decides who may use it."
NO_WORD = (
    "That is no word for the bridge itself; `help` says which there are. What is for the agent, write as a message."
)
DONE_BEFORE = "That was done already."


def in_its_thread(word: str, *, button: bool) -> str:
    """It was wanted in a room whose threads are conversations of their own."""
    rest = ", or press the button there" if button else ""
    return f"Each thread here is a conversation of its own: write `{word}` in the one that you mean{rest}."


def linked(ticket: str) -> str:
    """The conversation is the ticket's."""
    return f"This is a conversation of `{ticket}` from here on, wherever else that is talked about."


def no_ticket(argument: str) -> str:
    """It does not look like one."""
    return f"`{argument[:60]}` is no ticket here. {WHICH_TICKET}"


def standing(session: str, instance: str, state: str, waiting: int) -> str:
    """How things are in a conversation."""
    rest = f" {waiting} more {'waits' if waiting == 1 else 'wait'}." if waiting else ""
    return f"{state}{rest} (session `{session}`, agent `{instance}`)"


def works(seconds: float) -> str:
    """On the oldest message."""
    return f"The agent has been working on a message for {_span(seconds)}."


def waits(seconds: float) -> str:
    """The oldest message does."""
    return f"A message has been waiting for the agent for {_span(seconds)}."


IDLE = "Nothing is being worked on, and nothing waits."


def _span(seconds: float) -> str:
    whole = max(1, round(seconds))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


PAIRING = (
    "I do not know you yet, so I did not read this. Ask whoever runs this bot to approve you, by this code: `{code}`. "
    "It is valid for an hour; write to me again once you are approved, or to get a new code."
)


def failed(detail: str | None) -> str:
    """The agent itself could not answer."""
    return f"The agent could not answer{_because(detail)} Write `!retry` to ask it again, or ask your operator."


def incomplete(detail: str | None) -> str:
    """What stands above is not the whole answer."""
    known = _INCOMPLETE.get(detail or "")
    return known or f"The answer ends here before its end{_because(detail)} Ask the agent to go on."


def not_passed_on(left: Sequence[Left]) -> str:
    """The agent was not given these files."""
    names: dict[str, list[str]] = {}
    for one in left:
        names.setdefault(one.why, []).append("`" + one.name.replace("`", "'") + "`")
    listed = "; ".join(f"{', '.join(each)} ({why})" for why, each in names.items())
    return f"Not passed on to the agent: {listed}."


def attached(length: int, names: Sequence[str]) -> str:
    """What stands above is the beginning of an answer that was too long for messages."""
    return f"The answer goes on: it has {length:,} characters, and the whole of it is attached as {_listed(names)}."


def brought(names: Sequence[str]) -> str:
    """The agent answered with files alone."""
    return f"The agent answered with {_listed(names)}."


def left_out(reasons: Sequence[tuple[str, str]]) -> str:
    """Files of the agent that are not posted: the name of each, and why."""
    listed = "; ".join(f"`{name}` {why}" for name, why in reasons)
    return f"Not everything that the agent made could be posted: {listed}. Ask the agent for it in another way."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _because(detail: str | None) -> str:
    words = " ".join((detail or "").split()).rstrip(".")
    return f": {words}." if words else "."
