"""Metrics for Prometheus: what is measured (`declared`), where it is read, and how it is written. Changes nothing."""
