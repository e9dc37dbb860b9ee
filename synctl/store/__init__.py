"""SQL: the truth. Reference data, synced rows, runs, the ledger of units and the audit trail."""
