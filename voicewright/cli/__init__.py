"""The `voicewright` command."""
