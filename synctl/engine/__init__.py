"""Orchestration: runs, leases, the shard loop, queues and the local stack. Knows no resource."""
