"""A GPU made of g++: the text of the CUDA kernels, compiled for this machine and run one thread at a time."""
