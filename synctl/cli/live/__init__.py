"""The full-screen view of `synctl watch`."""
