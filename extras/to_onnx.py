"""Write a TorchScript model as the ONNX file that --model takes.

    python extras/to_onnx.py sscd_disc_mixup.torchscript.pt sscd.onnx

The model takes float pictures, [batch, 3, side, side], and makes a vector of each, as those of SSCD
do (facebookresearch/sscd-copy-detection, weights under the MIT licence). Needs PyTorch; the file
that it writes needs it no more. Changes nothing else on disk.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SIDE = 288  # pixels, for which the models of SSCD were made
OPSET = 17  # that of ONNX; all that ResNets need, and every runtime since 2022 knows it


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("torchscript", type=Path, help="the model as it was saved by torch.jit")
    parser.add_argument("onnx", type=Path, help="the file to write")
    parser.add_argument("--side", type=int, default=SIDE, help="of its pictures, in pixels")
    arguments = parser.parse_args()
    if find_spec("torch") is None or find_spec("onnx") is None:
        parser.error("it needs PyTorch; run pip install torch onnx first")
    write(arguments.torchscript, arguments.onnx, arguments.side)
    return 0


def write(torchscript: Path, onnx: Path, side: int) -> None:
    """Write the ONNX file; how many pictures it takes at once stays open."""
    import torch

    model: Any = torch.jit.load(str(torchscript), map_location="cpu").eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, side, side),),
        str(onnx),
        input_names=["pictures"],
        output_names=["vectors"],
        dynamic_axes={"pictures": {0: "batch"}, "vectors": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,  # the newer exporter takes no TorchScript
    )


if __name__ == "__main__":
    raise SystemExit(main())
