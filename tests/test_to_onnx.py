"""Models that were saved by PyTorch are written as the ONNX files that --model takes."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from extras import network, to_onnx

SIDE = 64
has_torch = importlib.util.find_spec("torch") is not None


@pytest.mark.skipif(has_torch, reason="PyTorch is installed")
def test_without_pytorch_its_remedy_is_named(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "extras/to_onnx.py"), "m.pt", "m.onnx"]
    ran = subprocess.run(script, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.endswith("error: it needs PyTorch; run pip install torch onnx first\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore")  # what newer PyTorch says of TorchScript
@pytest.mark.skipif(not has_torch, reason="PyTorch is not installed")
def test_a_saved_model_makes_the_same_vectors_afterwards(tmp_path: Path) -> None:
    import torch

    layers = torch.nn.Conv2d(3, 8, 5, 4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1)
    plain = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8, 16)).eval()
    torch.jit.script(plain).save(str(tmp_path / "m.pt"))
    to_onnx.write(tmp_path / "m.pt", tmp_path / "m.onnx", SIDE)
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    shown = torch.from_numpy(pixels.astype(np.float32) / 255).permute(0, 3, 1, 2)
    expected = plain(shown).detach().numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    model = network.load(str(tmp_path / "m.onnx"), 288, "unit")
    assert (model.side, model.batch) == (SIDE, None)
    assert np.abs(model.vectors([p.tobytes() for p in pixels]) - expected).max() < 1e-5
