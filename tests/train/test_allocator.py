import platform
import subprocess
import sys

import pytest

# Blocks of 80 MB: from 32 MiB on, glibc never learns by itself to keep a block.
FAULTS = """
import resource, torch
from cxrkd.train.allocator import keep_freed_memory
if {switch}: assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20): torch.zeros(20_000_000).add_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the switch belongs to glibc")
def test_kept_memory_is_not_faulted_in_again():
    def faults(switch):
        code = [sys.executable, "-c", FAULTS.format(switch=switch)]
        return int(subprocess.run(code, capture_output=True, text=True, check=True).stdout)

    assert faults(True) < 0.5 * faults(False)
