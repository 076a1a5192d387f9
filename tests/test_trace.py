import re

from hypothesis import given
from hypothesis import strategies as st

from bridge.trace import trace_id, traceparent

ENVELOPES = st.text(st.characters(codec="utf-8"), min_size=1)


def test_the_same_message_has_the_same_id_on_every_machine() -> None:
    assert trace_id("slack:T1:C1:1700000000.000100") == "077e68565b1153669d8afa307d1947b6"


@given(ENVELOPES)
def test_it_is_a_trace_id_of_w3c(envelope: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", trace_id(envelope))
    assert set(trace_id(envelope)) != {"0"}


@given(st.lists(ENVELOPES, min_size=2, max_size=2, unique=True))
def test_two_messages_have_two_ids(envelopes: list[str]) -> None:
    assert len({trace_id(one) for one in envelopes}) == 2


def test_a_request_is_a_span_of_the_message() -> None:
    assert traceparent("p:1", "00f067aa0ba902b7") == f"00-{trace_id('p:1')}-00f067aa0ba902b7-01"
