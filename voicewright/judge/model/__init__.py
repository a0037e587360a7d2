"""The models: features, encoders, scorer, calibration and thresholds."""
