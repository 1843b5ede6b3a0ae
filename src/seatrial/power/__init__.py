"""Detection power: seeded faults, each of which must turn its criterion red for the expected reason."""
