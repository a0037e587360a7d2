"""What the steps need from engines. Each port is small, so that a new engine is one file."""
