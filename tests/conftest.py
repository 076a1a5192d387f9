"""For all tests: no assertion of time."""

from hypothesis import settings

settings.register_profile("threadbridge", deadline=None)
settings.load_profile("threadbridge")
