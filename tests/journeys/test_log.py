"""The log: JSON lines about changes of state, without a secret or a word that anybody said."""

import json

from tests.journeys.program import in_time
from tests.journeys.test_acknowledgement import refusing

TEXT = "quetzalcoatlus"


async def test_a_journey_through_every_trouble_leaves_no_secret_and_no_text_in_the_log(world):
    world.may_break = True
    await world.start({"rooms": ["*", "dm"]}, instance={"timeout": 0.5})
    faults = world.slack.faults
    said, _ = await world.ask(f"{TEXT} 1")
    faults.lose_answer("chat.postMessage")
    await world.ask(f"{TEXT} 2", said)
    faults.garbage("chat.postMessage")
    await world.ask(f"{TEXT} 3", said)
    faults.rate_limit("chat.postMessage")
    await world.ask(f"{TEXT} 4", said)
    faults.refuse("users.info", "missing_scope")
    await world.ask(f"{TEXT} 5", said, person="Bo")
    for directive in ("[[fail]]", "[[garbage]]", "[[cut]]", "[[empty]]", "[[hang]]", "[[length]]"):
        await world.ask(f"{directive} {TEXT}", said)
    with refusing(world.store, "INSERT ON turns"):
        direct = world.slack.say_direct("Ada", f"{TEXT} 6")
        deliveries = world.slack.journal.deliveries
        await in_time("a redelivery", world.slack.until(lambda: world.slack.journal.deliveries > deliveries + 1))
    with refusing(world.store, "INSERT ON deliveries"):
        await world.say(f"{TEXT} 7")
        await world.program.logged("store.refused")
    await world.until_answers(direct, 1)
    faults.refuse("chat.postMessage", "restricted_action")
    await world.say(f"{TEXT} 8", said)
    await world.program.logged("delivery.dead")
    await world.end()
    log = world.program.text()
    assert TEXT not in log
    for secret in (*world.slack.secrets().values(), world.agent.api_key):
        assert secret not in log
    lines = [json.loads(line) for line in world.program.log]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)


async def test_a_message_can_be_followed_from_event_to_post(world):
    await world.start()
    said, _ = await world.ask("hello")
    await world.program.logged("delivery.sent")
    await world.end()
    stages = ["turn.accepted", "turn.ended", "delivery.sent"]
    lines = [json.loads(line) for line in world.program.log]
    assert [line["event"] for line in lines if line["event"] in stages] == stages
    (accepted,), (ended,), (sent,) = (world.program.events(stage) for stage in stages)
    assert accepted["envelope"] == ended["envelope"] == f"slack:T0DEMO0001:{said.thread.replace('/', ':')}"
    assert ended["session"] == sent["session"] == world.session_of(said)


async def test_a_quiet_day_is_logged_in_a_line_for_each_change(world):
    await world.start()
    await world.ask("hello")
    await world.program.logged("delivery.sent")
    await world.end()
    assert [json.loads(line)["event"] for line in world.program.log] == [
        "bridge.started", "channel.connected", "turn.accepted", "turn.ended", "delivery.sent", "bridge.drains", "bridge.ended",
    ]  # fmt: skip
