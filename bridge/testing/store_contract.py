"""What every store keeps: subclass `StoreContract` and override the `stores` fixture."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.channel import MessageRef
from bridge.envelope import Conversation
from bridge.errors import LeaseLost
from bridge.feedback import Vote
from bridge.instance import Usage
from bridge.store.protocol import Accepted, DeliveryLease, NewDelivery, Store
from bridge.testing.store_examples import (
    LEASE_SECONDS,
    Clock,
    Stores,
    arrival,
    delivery,
    nothing_to_do,
    result,
    turn,
)


class StoreContract:
    """The promises of `bridge.store.protocol.Store`."""

    @pytest.fixture
    def stores(self) -> Stores:
        """Override: opens stores on one empty database."""
        raise AssertionError("override the fixture `stores`")

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    async def store(self, stores: Stores, clock: Clock) -> AsyncIterator[Store]:
        async with stores(clock) as opened:
            yield opened

    async def test_a_message_is_accepted_once_per_session(self, store: Store) -> None:
        outcomes = [await store.accept(arrival(1)), await store.accept(arrival(1)), await store.accept(arrival(2))]
        assert outcomes == [Accepted.TURN, Accepted.DUPLICATE, Accepted.TURN]

    async def test_duplicates_that_come_at_the_same_time_are_one_turn(self, store: Store) -> None:
        outcomes = await asyncio.gather(*(store.accept(arrival(1)) for _ in range(10)))
        assert sorted(outcome.value for outcome in outcomes) == ["duplicate"] * 9 + ["turn"]

    async def test_the_same_id_in_another_session_is_another_message(self, store: Store) -> None:
        assert await store.accept(arrival(1, "t")) is Accepted.TURN
        assert await store.accept(arrival(1, "u")) is Accepted.TURN

    async def test_a_follow_up_is_accepted_only_where_the_bot_takes_part(self, store: Store) -> None:
        assert await store.accept(arrival(1, only_if_known=True)) is Accepted.NOT_TAKING_PART
        assert await store.accept(arrival(2)) is Accepted.TURN
        assert await store.accept(arrival(3, only_if_known=True)) is Accepted.TURN
        assert await store.accept(arrival(3, only_if_known=True)) is Accepted.DUPLICATE
        assert await store.accept(arrival(4, only_if_known=True, channel="other")) is Accepted.NOT_TAKING_PART

    async def test_a_thread_keeps_the_session_that_it_began_with(self, store: Store) -> None:
        await store.accept(arrival(1, session="ticket-1"))
        await store.accept(arrival(2, session="s-t"))
        first = await turn(store)
        await store.finish_turn(first, result())
        assert [first.session, (await turn(store)).session] == ["ticket-1", "ticket-1"]

    async def test_only_the_first_turn_of_a_thread_wants_context(self, store: Store) -> None:
        await store.accept(arrival(1, wants_context=True))
        await store.accept(arrival(2, wants_context=True))
        first = await turn(store)
        await store.finish_turn(first, result())
        assert [first.wants_context, (await turn(store)).wants_context] == [True, False]

    async def test_a_lease_carries_the_message_as_it_was_accepted(self, store: Store) -> None:
        message = arrival(1, direct=True)
        await store.accept(message)
        lease = await turn(store)
        assert (lease.envelope, lease.direct, lease.channel) == (message.envelope, True, "c")
        assert (lease.attempt, lease.in_doubt, lease.continuation) == (1, False, None)

    async def test_second_message_waits_while_the_first_is_running(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        first = await turn(store)
        assert await nothing_to_do(store)
        await store.finish_turn(first, result())
        assert (await turn(store)).envelope.id == "p:2"

    async def test_sessions_do_not_wait_for_each_other(self, store: Store) -> None:
        for number, thread in enumerate("tuv"):
            await store.accept(arrival(number, thread))
        leases = await store.lease_turns("main", 9)
        assert [lease.session for lease in leases] == ["s-t", "s-u", "s-v"]

    async def test_no_more_is_leased_than_asked_for(self, store: Store) -> None:
        for number, thread in enumerate("tuv"):
            await store.accept(arrival(number, thread))
        assert len(await store.lease_turns("main", 2)) == 2

    async def test_an_instance_is_given_only_its_own_turns(self, store: Store) -> None:
        await store.accept(arrival(1, "t", instances=("other",)))
        await store.accept(arrival(2, "u"))
        assert [lease.envelope.id for lease in await store.lease_turns("main", 9)] == ["p:2"]

    async def test_a_claim_waits_until_there_is_work(self, store: Store) -> None:
        claim = asyncio.ensure_future(store.lease_turns("main", 1))
        await store.accept(arrival(1))
        assert [lease.envelope.id for lease in await asyncio.wait_for(claim, 5)] == ["p:1"]

    async def test_a_claim_that_is_given_up_takes_nothing(self, store: Store) -> None:
        claim = asyncio.ensure_future(store.lease_turns("main", 1))
        await store.renew()
        claim.cancel()
        await asyncio.gather(claim, return_exceptions=True)
        await store.accept(arrival(1))
        assert (await turn(store)).attempt == 1

    async def test_a_turn_that_did_not_begin_is_leased_again_after_its_wait(self, store: Store, clock: Clock) -> None:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        await store.retry_turn(await turn(store), 60, "unreachable")
        assert await nothing_to_do(store)
        clock.now += 61
        again = await turn(store)
        assert (again.envelope.id, again.attempt, again.in_doubt) == ("p:1", 2, False)

    async def test_no_session_waits_for_anothers_back_off(self, store: Store) -> None:
        await store.accept(arrival(1, "t"))
        await store.retry_turn(await turn(store), 60, "unreachable")
        await store.accept(arrival(2, "u"))
        assert (await turn(store)).session == "s-u"

    async def test_the_parts_of_an_answer_are_posted_in_order_and_one_at_a_time(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("one", "two"))
        first = await delivery(store)
        assert await nothing_to_do(store)
        await store.delivered(first, MessageRef("m1"))
        second = await delivery(store)
        assert [first.payload, second.payload] == [{"text": "one"}, {"text": "two"}]
        assert first.id != second.id
        assert len(first.id) <= 25

    async def test_answers_of_one_session_are_posted_in_the_order_of_its_turns(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        await store.finish_turn(await turn(store), result("one"))
        await store.finish_turn(await turn(store), result("two"))
        first = await delivery(store)
        await store.retry_delivery(first, 0, "refused", in_doubt=False)
        assert (await delivery(store)).payload == {"text": "one"}

    async def test_a_notice_is_written_once_for_a_turn(self, store: Store, clock: Clock) -> None:
        notice = NewDelivery(Conversation(source="p", ref="t"), {"text": "waits"}, kind="waiting")
        await store.accept(arrival(1))
        for _ in range(3):
            await store.retry_turn(await turn(store), 1, "stopped", [notice])
            clock.now += 2
        await store.delivered(await delivery(store), MessageRef("m"))
        await store.finish_turn(await turn(store), result())
        assert await nothing_to_do(store)

    async def test_a_post_that_may_have_arrived_comes_back_in_doubt(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("one"))
        first = await delivery(store)
        await store.retry_delivery(first, 0, "no answer", in_doubt=True)
        second = await delivery(store)
        await store.retry_delivery(second, 0, "refused", in_doubt=False)
        third = await delivery(store)
        assert [lease.in_doubt for lease in (first, second, third)] == [False, True, False]
        assert {lease.id for lease in (first, second, third)} == {first.id}

    async def test_a_wait_that_the_platform_asked_for_is_no_attempt(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("one"))
        for _ in range(3):
            lease = await delivery(store)
            assert lease.attempt == 1
            await store.retry_delivery(lease, 0, "rate limited", in_doubt=False, counted=False)

    async def test_a_dead_letter_lets_the_session_go_on(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("one", "two"))
        await store.bury(await delivery(store), "the room is gone")
        assert (await delivery(store)).payload == {"text": "two"}

    async def test_what_is_said_instead_of_a_dead_letter_is_written_with_it_and_once(self, store: Store) -> None:
        instead = [
            NewDelivery(Conversation(source="p", ref="t"), {"text": text}, "instead", part)
            for part, text in enumerate(("in words", "and more"))
        ]
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("a file", "another"))
        await store.bury(await delivery(store), "no files here", instead=instead)
        await store.bury(await delivery(store), "no files here", instead=instead)
        told: list[DeliveryLease] = []
        for _ in instead:
            told.append(await delivery(store))
            await store.delivered(told[-1], MessageRef(f"m{len(told)}"))
        assert [(one.payload, one.envelope_id) for one in told] == [(one.payload, "p:1") for one in instead]
        assert await nothing_to_do(store)

    async def test_messages_that_no_delivery_was_closed_with_are_told_apart(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("one"))
        await store.delivered(await delivery(store), MessageRef("m1"))
        assert list(await store.unaccounted_for([MessageRef(f"m{number}") for number in (2, 1, 0)])) == ["m2", "m0"]

    async def test_a_continuation_is_given_to_the_next_turn(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        await store.finish_turn(await turn(store), result(continuation="resp_1", usage=Usage(1, 2, 3)))
        assert (await turn(store)).continuation == "resp_1"

    async def test_everything_open_is_there_after_a_restart(self, stores: Stores, clock: Clock) -> None:
        async with stores(clock) as before:
            for number, thread in enumerate("tuv"):
                await before.accept(arrival(number, thread))
            await before.finish_turn(await turn(before), result("answer"))
            running = await turn(before)
            await before.begin_turn(running)
            posting = await delivery(before)
        clock.now += LEASE_SECONDS + 1
        async with stores(clock) as after:
            turns = {lease.session: lease.in_doubt for lease in await after.lease_turns("main", 9)}
            assert turns == {running.session: True, "s-v": False}
            found = await delivery(after)
            assert (found.id, found.attempt, found.in_doubt) == (posting.id, 2, True)
            assert await after.accept(arrival(0, "t")) is Accepted.DUPLICATE

    async def test_a_lease_that_ran_out_is_taken_over_and_the_old_holder_writes_nothing(
        self, stores: Stores, clock: Clock
    ) -> None:
        async with stores(clock) as one, stores(clock) as other:
            await one.accept(arrival(1))
            old = await turn(one)
            assert await nothing_to_do(other)
            clock.now += LEASE_SECONDS + 1
            new = await turn(other)
            with pytest.raises(LeaseLost):
                await one.finish_turn(old, result("twice"))
            with pytest.raises(LeaseLost):
                await one.retry_turn(old, 0, "twice")
            await other.finish_turn(new, result("once"))
            posting = await delivery(one)
            clock.now += LEASE_SECONDS + 1
            taken_over = await delivery(other)
            with pytest.raises(LeaseLost):
                await one.delivered(posting, MessageRef("m"))
            assert (taken_over.payload, taken_over.in_doubt) == ({"text": "once"}, True)

    async def test_a_renewed_lease_is_not_taken_over(self, stores: Stores, clock: Clock) -> None:
        async with stores(clock) as one, stores(clock) as other:
            await one.accept(arrival(1))
            lease = await turn(one)
            clock.now += LEASE_SECONDS - 1
            await one.renew()
            clock.now += LEASE_SECONDS - 1
            assert await nothing_to_do(other)
            await one.finish_turn(lease, result())

    async def test_what_was_claimed_for_a_caller_that_is_gone_is_given_back(self, store: Store) -> None:
        await store.accept(arrival(1))
        claim = asyncio.ensure_future(store.lease_turns("main", 1))
        await store.renew()  # the claim is answered, but nobody has looked at the answer yet
        claim.cancel()
        await asyncio.wait([claim])
        await store.renew()
        lease = await turn(store)
        assert (lease.attempt, lease.in_doubt) == (1, False)

    async def test_what_nobody_works_on_any_more_is_leased_again_in_doubt(self, store: Store, clock: Clock) -> None:
        await store.accept(arrival(1))
        await store.finish_turn(await turn(store), result("one"))
        await store.accept(arrival(2))
        lost_turn, lost_delivery = await turn(store), await delivery(store)
        await store.begin_turn(lost_turn)
        store.let_go(lost_turn)
        store.let_go(lost_delivery)
        assert await nothing_to_do(store)
        clock.now += LEASE_SECONDS + 1
        again, posted_again = await turn(store), await delivery(store)
        assert (again.seq, again.attempt, again.in_doubt) == (lost_turn.seq, 2, True)
        assert (posted_again.id, posted_again.attempt, posted_again.in_doubt) == (lost_delivery.id, 2, True)

    async def test_a_session_that_is_no_threads_own_is_decided_anew_each_time(self, store: Store) -> None:
        await store.accept(arrival(1, session="of-ada", binds_thread=False))
        await store.accept(arrival(2, session="of-bo", binds_thread=False))
        assert [lease.session for lease in await store.lease_turns("main", 9)] == ["of-ada", "of-bo"]

    async def test_a_session_stays_with_its_instance_as_long_as_it_is_offered(self, store: Store) -> None:
        await store.accept(arrival(1, instances=("main", "other")))
        await store.accept(arrival(2, instances=("other", "main")))
        await store.finish_turn(await turn(store), result(continuation="mine"))
        second = await turn(store)
        assert (second.instance, second.continuation) == ("main", "mine")

    async def test_another_instance_is_not_given_what_the_last_one_left(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        await store.finish_turn(await turn(store), result(continuation="mine"))
        running = await turn(store)
        await store.accept(arrival(3, instances=("other",)))
        await store.finish_turn(running, result(continuation="mine again"))
        lease = (await store.lease_turns("other", 1))[0]
        assert (lease.envelope.id, lease.continuation) == ("p:3", None)

    async def test_context_is_wanted_once_even_if_everything_comes_at_once(self, store: Store) -> None:
        await asyncio.gather(*(store.accept(arrival(number, wants_context=True)) for number in range(3)))
        wanted: list[bool] = []
        for _ in range(3):
            lease = await turn(store)
            wanted.append(lease.wants_context)
            await store.finish_turn(lease, result())
        assert wanted == [True, False, False]

    async def test_failing_is_counted_from_the_first_failure(self, store: Store, clock: Clock) -> None:
        await store.accept(arrival(1))
        clock.now += 7200
        first = await turn(store)
        await store.retry_turn(first, 0, "asked to wait", counted=False)
        second = await turn(store)
        await store.retry_turn(second, 0, "refused")
        clock.now += 10
        third = await turn(store)
        await store.retry_turn(third, 0, "refused")
        clock.now += 20
        fourth = await turn(store)
        since = [lease.failing_for for lease in (first, second, third, fourth)]
        assert since == [None, None, 10, 30]
        assert [lease.attempt for lease in (first, second, third, fourth)] == [1, 1, 2, 3]

    async def test_a_place_that_refuses_does_not_hold_up_another_of_the_same_session(self, store: Store) -> None:
        elsewhere = NewDelivery(Conversation(source="p", ref="elsewhere"), {"text": "there"})
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        await store.finish_turn(await turn(store), result("here"))
        await store.finish_turn(await turn(store), result(deliveries=[elsewhere]))
        await store.retry_delivery(await delivery(store), 60, "refused", in_doubt=False)
        assert (await delivery(store)).payload == {"text": "there"}

    async def test_what_is_open_for_names_that_are_not_configured_is_known(self, store: Store) -> None:
        await store.accept(arrival(1, "t", instances=("gone",)))
        await store.accept(arrival(2, "u", channel="left"))
        await store.finish_turn(await turn(store), result("answer"))
        assert await store.unconfigured(["main"], ["c"]) == (["gone"], ["left"])
        assert await store.unconfigured(["main", "gone"], ["c", "left"]) == ([], [])

    async def test_what_this_process_holds_is_never_given_to_it_again(self, store: Store, clock: Clock) -> None:
        await store.accept(arrival(1))
        lease = await turn(store)
        clock.now += 10 * LEASE_SECONDS
        assert await nothing_to_do(store)
        await store.finish_turn(lease, result())

    async def test_a_vote_is_for_a_turn_that_the_message_was_posted_for(self, store: Store) -> None:
        await store.accept(arrival(1))
        await store.accept(arrival(2))
        asked = await turn(store)
        await store.finish_turn(asked, result("one"))
        other = (await turn(store)).seq
        posted = await delivery(store)
        vote = Vote(asked.seq, "good", "p:ada", "c", MessageRef("m1"))
        assert not await store.vote(vote)  # nobody can have seen it yet
        await store.delivered(posted, MessageRef("m1"))
        forged = [replace(vote, turn=other), replace(vote, message=MessageRef("m2")), replace(vote, channel="d")]
        assert [await store.vote(one) for one in [*forged, vote]] == [False, False, False, True]
        assert (await store.counts()).votes == {"good": 1, "bad": 0}

    async def test_each_person_has_one_vote_for_a_turn_and_may_change_it(self, store: Store) -> None:
        await store.accept(arrival(1))
        asked = await turn(store)
        await store.finish_turn(asked, result("one"))
        await store.delivered(await delivery(store), MessageRef("m1"))
        vote = Vote(asked.seq, "good", "p:ada", "c", MessageRef("m1"))
        for one in (vote, vote, replace(vote, actor="p:bo"), replace(vote, value="bad")):
            assert await store.vote(one)
        assert (await store.counts()).votes == {"good": 1, "bad": 1}

    async def test_what_is_open_and_what_was_given_up_is_counted(self, store: Store) -> None:
        for number, thread in enumerate("tuv"):
            await store.accept(arrival(number, thread))
        await store.finish_turn(await turn(store), result("one", "two"))
        await store.bury(await delivery(store), "the room is gone")
        await store.finish_turn(await turn(store), replace(result(), status="failed"))
        counts = await store.counts()
        assert (counts.open_turns, counts.open_deliveries) == ({"main": 1}, {"c": 1})
        assert (counts.dead_turns, counts.dead_deliveries) == (1, 1)
