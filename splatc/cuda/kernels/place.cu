// Gaussians of a file -> Gaussians of a view: filtered for the scale, placed on the supersampling grid, boxed in tiles. One thread for each.
//
// CHANNELS 1..4; NORMALIZED 1 for the normalized blend, which adds a plane of weights, 0 for the sum.
#include "pixel.cuh"
#include "planes.cuh"
#include "tiles.cuh"

extern "C" __global__ void __launch_bounds__(256) place_gaussians(
    int count,
    const float2* __restrict__ mean,    // (N) px
    const float2* __restrict__ scale,   // (N) px
    const float2* __restrict__ axis,    // (N) cosine and sine of the angle
    const float* __restrict__ colour,   // (N, CHANNELS)
    double grid_scale,                  // points of the supersampling grid per px
    double shift_x, double shift_y,     // of the grid from the corner of the picture, in its points
    double origin_x, double origin_y,   // the corner of the first tile, whole grid points
    double variance,                    // that a grid point stands for, px^2
    int tiles_x, int tiles_y, int width, int height,
    Place* __restrict__ place, Axes* __restrict__ axes, Planes* __restrict__ planes,
    Outline* __restrict__ outline, Box* __restrict__ box) {
    int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= count) return;
    Place at;
    make_place(mean[i].x, grid_scale, shift_x, origin_x, at.x, at.fx);
    make_place(mean[i].y, grid_scale, shift_y, origin_y, at.y, at.fy);
    place[i] = at;
    float s1 = filtered(scale[i].x, float(variance)), s2 = filtered(scale[i].y, float(variance));
    Axes along = make_axes(axis[i].x, axis[i].y, s1 * float(grid_scale), s2 * float(grid_scale));
    axes[i] = along;
    Outline out = make_outline(along);
    outline[i] = out;
    box[i] = make_box(at, out, {tiles_x, tiles_y, width, height});
    float gain = scale[i].x / s1 * (scale[i].y / s2);  // keeps the mass
    Planes values = {};
    for (int c = 0; c < CHANNELS; c++) values.value[c] = colour[i * CHANNELS + c] * gain;
    if (NORMALIZED) values.value[CHANNELS] = gain;
    planes[i] = values;
}
