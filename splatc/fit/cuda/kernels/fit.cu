// All kernels of the fit, in one text.

#include "fit.cuh"
#include "bins.cu"
#include "raster.cu"
#include "gather.cu"
#include "update.cu"
