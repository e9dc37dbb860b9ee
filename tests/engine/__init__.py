"""The engine against a real Valkey and a real database."""
