"""Trying everything without a token: simulated platforms, a demo agent, and the real bridge between them."""
