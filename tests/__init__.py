"""Tests run against real parts: a real Valkey, real databases, real HTTP on loopback."""
