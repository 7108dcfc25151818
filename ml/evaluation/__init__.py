"""Metrics, protocols and reports. Not part of the extension's zip."""
