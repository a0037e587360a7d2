"""One folder per way to reach an agent."""
