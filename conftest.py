"""One stack for the whole run: fixtures of the real broker and database, for every member."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["local_stack.testing"]

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
