"""What runs on an NVIDIA GPU: finding one, compiling CUDA C++ for it, memory and launches. No torch, and no nvcc.

Kernels are text (``kernels/``), put together by `source`, compiled by NVRTC (`compile`), run by a `device`. Nothing of CUDA is imported
before a device is asked for; tests run the same text on the host, with a device of their own (tests/cuda_host/).
"""
