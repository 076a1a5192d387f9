"""A start that is refused says why; an end that is asked for finishes what runs."""

import signal
import socket
import sqlite3

import pytest

from tests.journeys.program import Program


@pytest.fixture
async def world(make_world):
    """A world whose program is executed as a person would, imports and all."""
    made = await make_world()
    made.program.forked = False
    return made


async def refused(world, *, environment=None):
    """What the program writes to standard error when it refuses to start."""
    program = Program(world.folder / "config.toml", {**world.program.environment, **(environment or {})})
    await program.start()
    assert await program.refused_to_start() == 1, program.text()
    assert "Traceback" not in program.text()
    return program.text()


@pytest.mark.parametrize(
    ("variable", "wrong", "where"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-mistyped-token", "OAuth & Permissions"),
        ("SLACK_APP_TOKEN", "xapp-mistyped-token", "App-Level Tokens"),
    ],
)
async def test_a_wrong_token_is_refused_with_where_to_find_the_right_one(world, variable, wrong, where):
    world.configure()
    said = await refused(world, environment={variable: wrong})
    key = variable.removeprefix("SLACK_").lower()
    assert f"channels.slack.{key}: Slack does not accept it (invalid_auth)" in said
    assert where in said
    assert wrong not in said


async def test_both_tokens_being_wrong_is_said_at_once(world):
    world.configure()
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    said = await refused(world, environment=tokens)
    assert "channels.slack.bot_token" in said
    assert "channels.slack.app_token" in said


async def test_an_app_token_in_place_of_the_bot_token_is_refused(world):
    world.configure()
    # Slack's auth.test takes such a token and answers without a user.
    said = await refused(world, environment={"SLACK_BOT_TOKEN": world.slack.app_token})
    assert "channels.slack.bot_token" in said


async def test_a_second_bridge_on_the_same_store_is_refused_and_the_first_goes_on(world):
    await world.start()
    said, _ = await world.ask("hello")
    second = await refused(world)
    assert "is in use by another threadbridge: stop that one first" in second
    await world.ask("still there?", said)


async def test_a_port_in_use_is_refused(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        world.configure(bridge={"http": address})
        said = await refused(world)
    assert f'bridge.http: cannot listen on "{address}"' in said
    assert "choose another port" in said


async def test_every_mistake_in_the_file_is_said_at_once_and_no_secret_is_shown(world):
    world.configure(
        {"rooms": ["*"], "trigger": "sometimes"},
        {"instance": "mian"},
        instance={"api_key": "chd_org_literal", "modle": "typo"},
        bridge={"htpt": "127.0.0.1:1"},
    )
    said = await refused(world, environment={"SLACK_BOT_TOKEN": ""})
    for sentence in (
        "bridge.htpt: there is no such key",
        "instances.main.api_key: a secret does not stand here",
        "instances.main.modle: there is no such key",
        "channels.slack.bot_token: the variable SLACK_BOT_TOKEN is not set",
        "rules[1].trigger: write one of 'mention', 'mention-only' or 'always'",
        'rules[2].instance: there is no [instances.mian] (did you mean "main"?)',
    ):
        assert sentence in said
    assert "chd_org_literal" not in said
    assert all(line.startswith("threadbridge: ") for line in said.splitlines())


async def test_sigterm_lets_a_running_turn_finish_and_posts_its_answer(world):
    await world.start()
    world.agent.hold()
    said = await world.say("hello")
    await world.agent.wait_for_requests(1)
    world.program.signal(signal.SIGTERM)
    await world.program.logged("bridge.drains")
    world.agent.release()
    assert await world.program.ended() == 0
    assert world.answers(said) == ["You said: hello"]
    assert world.sessions()[world.session_of(said)]["unposted"] == 0


async def test_sigterm_posts_every_part_of_the_answer_that_was_running(world):
    await world.start()
    world.agent.hold()
    said = await world.say("[[big:20000]]")
    await world.agent.wait_for_requests(1)
    world.program.signal(signal.SIGTERM)
    await world.program.logged("bridge.drains")
    world.agent.release()
    assert await world.program.ended() == 0
    assert sum(map(len, world.answers(said))) == 20000
    assert world.sessions()[world.session_of(said)]["unposted"] == 0


async def test_what_sigterm_left_unposted_is_posted_once_after_the_next_start(world):
    await world.start(bridge={"drain": 0.3})
    said = await world.say("[[big:20000]]")
    world.slack.on_post(lambda _: world.slack.faults.delay("chat.postMessage", 60, times=None))
    await world.until_answers(said, 2)
    await world.end()
    world.slack.publisher.post_watchers.clear()
    world.slack.faults.clear()
    await world.restart()
    await world.until_answers(said, 6)
    await world.program.logged("delivery.sent", 5)
    await world.end()
    assert sum(map(len, world.answers(said))) == 20000
    assert world.sessions()[world.session_of(said)]["unposted"] == 0


async def test_sigint_ends_the_program_well(world):
    await world.start()
    await world.ask("hello")
    world.program.signal(signal.SIGINT)
    assert await world.program.ended() == 0
    assert world.program.events("bridge.ended")


async def test_sigterm_does_not_wait_longer_than_drain_and_the_rest_is_as_after_a_crash(world):
    await world.start(bridge={"drain": 0.1})
    world.agent.hold()
    said = await world.say("hello")
    await world.agent.wait_for_requests(1)
    await world.end()
    assert [one["count"] for one in world.program.events("bridge.cut_off")] == [1]
    world.agent.release()
    await world.restart()
    assert "nobody knows whether it finished" in (await world.until_answers(said, 1))[0]


async def test_what_waits_behind_a_running_turn_at_sigterm_is_answered_after_the_next_start(world):
    await world.start()
    world.agent.hold()
    said = await world.say("one")
    await world.agent.wait_for_requests(1)
    await world.say("two", said)
    await world.settled()
    world.program.signal(signal.SIGTERM)
    await world.program.logged("bridge.drains")
    world.agent.release()
    assert await world.program.ended() == 0
    await world.restart()
    await world.until_answers(said, 2)
    await world.end()
    assert world.inputs() == ["[Ada] one", "[Ada] two"]
    assert len(world.answers(said)) == 2


async def test_a_signal_right_after_the_start_ends_it(world):
    world.configure()
    await world.program.start()
    world.program.signal(signal.SIGTERM)
    code = await world.program.ended()
    assert code in {0, -signal.SIGTERM}


async def test_a_second_signal_does_not_wait_for_the_drain(world):
    await world.start(bridge={"drain": 600})
    world.agent.hold()
    await world.say("hello")
    await world.agent.wait_for_requests(1)
    world.program.signal(signal.SIGINT)
    await world.program.logged("bridge.drains")
    world.program.signal(signal.SIGINT)
    assert await world.program.ended() == 0
    assert [line["count"] for line in world.program.events("bridge.cut_off")] == [1]


async def test_a_store_that_is_locked_for_a_moment_does_not_break_the_drain(world):
    await world.start()
    world.agent.hold()
    said = await world.say("hello")
    await world.agent.wait_for_requests(1)
    other = sqlite3.connect(world.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    world.program.signal(signal.SIGTERM)
    await world.program.logged("store.refused")
    other.execute("ROLLBACK")
    other.close()
    world.agent.release()
    assert await world.program.ended() == 0
    assert world.answers(said) == ["You said: hello"]


async def test_restarts_under_load_leave_no_message_in_doubt_that_the_agent_was_never_asked(world):
    await world.start(instance={"concurrency": 32})
    asked: list[str] = []
    for first in (0, 60, 120):
        asked += [(await world.say(f"question {number}")).thread for number in range(first, first + 60)]
        await world.settled()
        await world.end()
        await world.restart()
    answers = [await world.until_answers(thread, 1) for thread in asked]
    assert answers == [[f"You said: question {number}"] for number in range(len(asked))]


async def test_what_waits_for_an_instance_that_was_removed_is_refused_in_its_thread(world):
    world.agent.status = "stopped"
    await world.start()
    said, waits = await world.ask("hello")
    assert "waits" in waits
    await world.end()
    world.agent.status = "running"
    config = world.folder / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace("[instances.main]", "[instances.other]").replace('instance = "main"', 'instance = "other"'),
        encoding="utf-8",
    )
    await world.restart()
    _, refused, answer = await world.until_answers(said, 2) + [(await world.ask("and now?", said))[1]]
    assert (
        refused
        == "The agent that this message was meant for was removed. Write `!retry` to ask the one that is here now."
    )
    assert answer.startswith("You said: and now?")


async def test_an_instance_that_cannot_even_be_asked_how_it_is_ends_nothing(world):
    await world.start(instance={"base_url": "http://" + "a" * 64 + ".example/v1"})
    (line,) = await world.program.logged("instance.not_ready")
    assert "check" in line["problem"]
    assert world.program.running
    await world.end()
