"""A clinic's receptionist: a real voice agent to test, with bugs that can be switched on."""
