"""One stack for the whole run: fixtures of the real broker and database, for every member."""

pytest_plugins = ["local_stack.testing"]
