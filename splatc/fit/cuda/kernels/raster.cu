// The forward pass: what the Gaussians draw of a subset, compared with its samples while it is in registers.
//
// A warp draws 8 x 8 samples, each lane two of them, four rows apart. It walks the list of its bin 32 Gaussians at a time, one a lane;
// those whose ellipse reaches the square go through shared memory to all lanes, in ascending order.

constexpr int SIDE = 8, WARPS = 4;

#ifndef HOST
// The sum over all lanes, by a butterfly: the same in all of them.
__device__ inline float warp_sum(float value) {
    for (int mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(ALL, value, mask);
    return value;
}
#endif

struct Subset {
    const Sample* pixels;  // those of the picture, (H, W, CHANNELS)
    int pitch;             // pixels of a row of the picture
    int x0, y0, step;      // its pixels (x0 + i step, y0 + j step)
    int width, height;     // samples
    float unit;
};

__device__ inline const Sample* sample_at(const Subset& subset, int x, int y) {
    size_t pixel = static_cast<size_t>(subset.y0 + y * subset.step) * subset.pitch + subset.x0 + x * subset.step;
    return subset.pixels + pixel * CHANNELS;
}

__device__ inline void store_planes(float* to, const float* value) {
    if (PLANES == 4) {
        *reinterpret_cast<float4*>(to) = make_float4(value[0], value[1], value[2], value[PLANES - 1]);
    } else {
        for (int k = 0; k < PLANES; k++) to[k] = value[k];
    }
}

__device__ inline void load_planes(float* value, const float* from) {
    if (PLANES == 4) {
        float4 all = *reinterpret_cast<const float4*>(from);
        value[0] = all.x, value[1] = all.y, value[2] = all.z, value[PLANES - 1] = all.w;
    } else {
        for (int k = 0; k < PLANES; k++) value[k] = from[k];
    }
}

// From the sums of one sample to what is stored of it; the squared differences.
__device__ inline float finish(const Subset& subset, int x, int y, float* sum, const float* background, int images,
                               float* planes) {
    const Sample* wanted = sample_at(subset, x, y);
    float total = NORMALIZED ? sum[PLANES - 1] + SPLATC_EPSILON : 1.0f;
    float inverse = 1.0f / total, squares = 0.0f, by_weight = 0.0f;
    for (int c = 0; c < CHANNELS; c++) {
        float out = NORMALIZED ? normalized(sum[c], inverse, background[c]) : sum[c];
        float difference = out - wanted[c] * subset.unit;
        squares += difference * difference;
        float g = 2.0f * difference * inverse;
        by_weight -= g * out;
        sum[c] = images ? out : g;
    }
    if (NORMALIZED) sum[PLANES - 1] = images ? total : by_weight;
    store_planes(planes + (static_cast<size_t>(y) * subset.width + x) * PLANES, sum);
    return squares;
}

// By sample (H, W, PLANES): the gradient of the squared error by the planes; or, with `images`, colours and total weight.
// sums: by warp its squared differences.
extern "C" __global__ void __launch_bounds__(32 * WARPS) raster(
    const Record* records, const int* starts, const int* members, int bins_x, const Sample* pixels, int pitch, int x0, int y0,
    int step, int width, int height, float unit, float b0, float b1, float b2, float b3, int images, float* planes, float* sums) {
    __shared__ Record staged[WARPS][32];
    Subset subset = {pixels, pitch, x0, y0, step, width, height, unit};
    float background[4] = {b0, b1, b2, b3};
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int left = blockIdx.x * 2 * SIDE + (warp & 1) * SIDE, top = blockIdx.y * 2 * SIDE + (warp >> 1) * SIDE;
    int slot = (blockIdx.y * gridDim.x + blockIdx.x) * WARPS + warp;
    if (left >= width || top >= height) {
        if (lane == 0) sums[slot] = 0.0f;
        return;
    }
    int x = left + (lane & 7), y = top + (lane >> 3);
    int bin = top / BIN * bins_x + left / BIN;
    int first = starts[bin], last = starts[bin + 1];
    float sum[2][PLANES] = {};
    for (int base = first; base < last; base += 32) {
        Record mine;
        bool here = base + lane < last;
        if (here) {
            const Record* from = records + members[base + lane];
            load(mine, from, 0, 2);
            here = box_reaches(mine, left + 0.5f, left + SIDE - 0.5f, top + 0.5f, top + SIDE - 0.5f);
            if (here) {  // most are passed over
                load(mine, from, 2, 4);
                here = reaches(mine, left + 0.5f, left + SIDE - 0.5f, top + 0.5f, top + SIDE - 0.5f);
            }
        }
        unsigned hits = __ballot_sync(ALL, here);
        if (here) staged[warp][__popc(hits & ((1u << lane) - 1u))] = mine;
        __syncwarp();
        int count = __popc(hits);
        for (int k = 0; k < count; k++) {
            const Record& r = staged[warp][k];
            float dx = x + 0.5f - r.x, dy = y + 0.5f - r.y;
            float u = r.ux * dx + r.uy * dy, v = r.vx * dx + r.vy * dy;
            for (int half = 0; half < 2; half++) {
                float w = weight(u, v);
                for (int c = 0; c < CHANNELS; c++) sum[half][c] += w * r.colour[c];
                if (NORMALIZED) sum[half][PLANES - 1] += w;
                u += 4.0f * r.uy, v += 4.0f * r.vy;
            }
        }
        __syncwarp();
    }
    float squares = 0.0f;
    if (x < width && y < height) squares += finish(subset, x, y, sum[0], background, images, planes);
    if (x < width && y + 4 < height) squares += finish(subset, x, y + 4, sum[1], background, images, planes);
    squares = warp_sum(squares);
    if (lane == 0) sums[slot] = squares;
}
