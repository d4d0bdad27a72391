"""A chosen backbone as a program that runs without this package: torch.export and ONNX."""
