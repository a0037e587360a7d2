"""Defects: what makes two failures one cause, and the built-in tracker."""
