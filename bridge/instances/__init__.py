"""The agents that the bridge knows: one module a type, plugged in by entry points."""
