"""A job is a folder that works: state, events, locks, queue, worker. Knows kinds by name, nothing of networks."""
