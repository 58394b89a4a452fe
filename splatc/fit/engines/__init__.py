"""The ways to compute a fit, each an `Engine` (splatc/fit/engine.py); that on an NVIDIA GPU lies in splatc/fit/cuda."""
