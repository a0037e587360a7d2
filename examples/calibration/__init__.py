"""Agents that answer after an exactly known time, to calibrate the tester against."""
