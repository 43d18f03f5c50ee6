"""What a network costs: parameters, MACs, size, and measured latency."""

from cxrkd.efficiency.count import Complexity, count, count_macs
from cxrkd.efficiency.latency import Latency, measure_latency

__all__ = ["Complexity", "Latency", "count", "count_macs", "measure_latency"]
