"""Where networks are trained and asked: the GPU where there is one."""

from __future__ import annotations

import torch


def device() -> torch.device:
    """The first GPU that CUDA knows, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def hardware() -> str:
    """What computes, by name: the first GPU's, or "cpu"."""
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"


def devices() -> list[torch.device]:
    """Every GPU of this machine, else the CPU."""
    return [torch.device("cuda", index) for index in range(torch.cuda.device_count())] or [torch.device("cpu")]


def multiplies_bfloat16(where: torch.device) -> bool:
    """Whether a device has instructions for products of bfloat16; one without them is slower at it than at float32."""
    if where.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
