"""Stand-ins for the upstreams: real servers on loopback with the quirks and faults of the real ones."""
