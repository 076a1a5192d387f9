"""The trace id of a message: made of its envelope's id, so everybody who has that knows it. Pure.

It is also a trace id of W3C Trace Context (https://www.w3.org/TR/trace-context/#trace-id): 16 bytes, not all zero.
"""

import hashlib


def trace_id(envelope_id: str) -> str:
    """32 lower-case hexadecimal digits, the same wherever that message is spoken of."""
    return hashlib.blake2s(envelope_id.encode(), digest_size=16).hexdigest()


def traceparent(envelope_id: str, span: str) -> str:
    """The header's value that puts a request under the message's trace; `span` are 16 lower-case hexadecimal digits.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    return f"00-{trace_id(envelope_id)}-{span}-01"
