"""A pizzeria's order line: a suite and an agent to run it against, with bugs that can be switched on."""
