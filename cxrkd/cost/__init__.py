"""What a network costs: parameters, MACs, size, and measured latency."""

from cxrkd.cost.count import Complexity, count, count_macs
from cxrkd.cost.latency import Latency, measure_latency

__all__ = ["Complexity", "Latency", "count", "count_macs", "measure_latency"]
