"""The suite format: the models that a suite file is read into."""
