"""The judge as a program: `python -m workers.judge eval|calibrate|rescore ...`, which `voicewright judge` starts."""
