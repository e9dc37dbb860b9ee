"""Measurements with real parts. They print, they assert nothing about time: the machine may be busy."""
