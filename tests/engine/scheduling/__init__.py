"""Schedules: who queues what, once."""
