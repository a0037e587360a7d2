"""What holds calls: a process that must be on time, on a machine with other work."""
