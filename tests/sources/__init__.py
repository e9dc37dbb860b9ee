"""Tests of the sources: against recordings where they are at hand, else against stand-ins over real HTTP."""
