"""The command line: parse, call, render. Nothing below this package draws."""
