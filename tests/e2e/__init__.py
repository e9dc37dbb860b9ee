"""The whole system, as an operator meets it: real commands, a real stack, a real upstream."""
