"""The review desk: what waits for a person, claims, decisions."""
