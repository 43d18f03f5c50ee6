"""What a network costs: parameters, MACs, size, and measured latency."""
