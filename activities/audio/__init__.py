"""Samples, codecs, tones and voice activity: what speech, calls and checks share."""
