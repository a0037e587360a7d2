"""From a YAML file to a suite, or to every mistake in it."""
