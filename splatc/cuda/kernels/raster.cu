// Tiles of a frame -> samples: what render/draw.py does on the CPU, a block for each tile.
//
// A tile has up to 16 x 16 points, whole output pixels; each of its 64 threads adds up the Gaussians of four points below each other.
// The Gaussians of the tile come through shared memory, 64 at a time. For each one and each point: 4 multiply-adds for u and v, 2 for the
// exponent, one ex2, one addition and one maximum for the weight, PLANES multiply-adds: 11 instructions for RGB, and 9 more for four points.
//
// CHANNELS 1..4; NORMALIZED 1 for the normalized blend, 0 for the sum.
#include "pixel.cuh"
#include "planes.cuh"

constexpr int SIDE = 16;                            // points, of a tile
constexpr int ROWS = 4;                             // points of a thread
constexpr int THREADS = SIDE * SIDE / ROWS;
constexpr int STAGED = THREADS;                     // Gaussians that lie in shared memory at once
constexpr int STAGE_BYTES = STAGED * int(sizeof(Axes) + sizeof(Planes) + sizeof(float2));
constexpr int TILE_BYTES = SIDE * SIDE * CHANNELS * 4;

struct Frame {
    int samples;                // points of an output pixel, a side
    int columns, rows;          // of the output
    int lead_x, lead_y;         // output pixels of the first tile left of and above the output
    int end_x, end_y;           // one past the last column and row of points, from the origin
    int size;                   // bytes of a sample: 1, 2, or 4 for floats
};

// A sample: the mean of the points of output pixel (x, y) of the tile that lie before (width, height).
__device__ __forceinline__ float mean_of(const float* points, int x, int y, int c, int samples, int width, int height) {
    int u0 = x * samples, v0 = y * samples, u1 = min(u0 + samples, width), v1 = min(v0 + samples, height);
    float sum = 0.0f;
    for (int v = v0; v < v1; v++)
        for (int u = u0; u < u1; u++) sum += points[(v * SIDE + u) * CHANNELS + c];
    return samples == 1 ? sum : sum / float((u1 - u0) * (v1 - v0));
}

// The bits of a sample, in the lowest `size` bytes.
__device__ __forceinline__ unsigned bits_of(float value, int size) {
    return size == 1 ? rounded(value, 255.0f) : size == 2 ? rounded(value, 65535.0f) : unsigned(__float_as_int(value));
}

extern "C" __global__ void __launch_bounds__(THREADS) raster_tiles(
    const Place* __restrict__ place, const Axes* __restrict__ axes, const Planes* __restrict__ planes,
    const int* __restrict__ starts, const int* __restrict__ members,
    const float* __restrict__ background,       // (4)
    int first_tile, int tiles_x,                // the tiles from `first_tile` on are drawn, counted along the rows
    int samples, int columns, int rows, int lead_x, int lead_y, int end_x, int end_y, int size,
    unsigned char* __restrict__ out) {          // (rows, columns, CHANNELS) samples
    Frame frame = {samples, columns, rows, lead_x, lead_y, end_x, end_y, size};
    alignas(16) __shared__ unsigned char memory[STAGE_BYTES > TILE_BYTES ? STAGE_BYTES : TILE_BYTES];
    Axes* stage_axes = reinterpret_cast<Axes*>(memory);
    Planes* stage_planes = reinterpret_cast<Planes*>(stage_axes + STAGED);
    float2* stage_mean = reinterpret_cast<float2*>(stage_planes + STAGED);
    float* points = reinterpret_cast<float*>(memory);

    int tile = first_tile + int(blockIdx.x), tile_x = tile % tiles_x, tile_y = tile / tiles_x, thread = int(threadIdx.x);
    int pixels = SIDE / frame.samples, left = tile_x * pixels * frame.samples, top = tile_y * pixels * frame.samples;
    int x = thread % SIDE, y = thread / SIDE * ROWS;
    float point_x = float(x) + 0.5f, point_y = float(y) + 0.5f;
    float sums[ROWS][PLANES] = {};

    int end = starts[tile + 1];
    for (int base = starts[tile]; base < end; base += STAGED) {
        if (base + thread < end) {
            int i = members[base + thread];
            Place at = place[i];
            stage_axes[thread] = axes[i];
            stage_planes[thread] = planes[i];
            stage_mean[thread] = make_float2(float(at.x - left) + at.fx, float(at.y - top) + at.fy);
        }
        __syncthreads();
        int here = min(end - base, STAGED);
        for (int k = 0; k < here; k++) {
            Axes a = stage_axes[k];
            Planes add = stage_planes[k];
            float dx = point_x - stage_mean[k].x, dy = point_y - stage_mean[k].y;
            float u = a.ux * dx + a.uy * dy, v = a.vx * dx + a.vy * dy;
#pragma unroll
            for (int row = 0; row < ROWS; row++) {
                float w = weight(u + a.uy * float(row), v + a.vy * float(row));
#pragma unroll
                for (int p = 0; p < PLANES; p++) sums[row][p] += w * add.value[p];
            }
        }
        __syncthreads();
    }

    bool clamp = frame.samples > 1 || frame.size < 4;
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
        float inverse = NORMALIZED ? 1.0f / (sums[row][PLANES - 1] + SPLATC_EPSILON) : 1.0f;
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) {
            float value = NORMALIZED ? normalized(sums[row][c], inverse, background[c]) : sums[row][c];
            points[((y + row) * SIDE + x) * CHANNELS + c] = clamp ? clamped(value) : value;
        }
    }
    __syncthreads();

    // The pixels [x0, x1) x [y0, y1) of the output lie in this tile; it may begin left of or above it, and end beyond.
    int tile_left = tile_x * pixels - frame.lead_x, tile_top = tile_y * pixels - frame.lead_y;
    int x0 = max(tile_left, 0), x1 = min(tile_left + pixels, frame.columns);
    int y0 = max(tile_top, 0), y1 = min(tile_top + pixels, frame.rows);
    int width = min(pixels * frame.samples, frame.end_x - left), height = min(pixels * frame.samples, frame.end_y - top);
    if (x0 >= x1 || y0 >= y1) return;
    size_t pitch = size_t(frame.columns) * CHANNELS * size_t(frame.size);
    unsigned char* corner = out + size_t(y0) * pitch + size_t(x0) * CHANNELS * size_t(frame.size);
    int across = (x1 - x0) * CHANNELS;  // samples of a row
    // Words of four bytes where the rows of the tile consist of such, else sample by sample.
    bool words = ((reinterpret_cast<size_t>(corner) | pitch | size_t(across * frame.size)) & 3) == 0;
    int each = words ? 4 / frame.size : 1, units = across / each;
    for (int k = thread; k < units * (y1 - y0); k += THREADS) {
        int row = k / units, first = (k - row * units) * each;
        unsigned bits = 0;
        for (int e = 0; e < each; e++) {
            int sample = first + e, column = x0 - tile_left + sample / CHANNELS;
            float value = mean_of(points, column, y0 - tile_top + row, sample % CHANNELS, frame.samples, width, height);
            bits |= bits_of(value, frame.size) << (8 * frame.size * e);
        }
        unsigned char* target = corner + size_t(row) * pitch + size_t(first * frame.size);
        if (words || frame.size == 4)
            *reinterpret_cast<unsigned*>(target) = bits;
        else if (frame.size == 2)
            *reinterpret_cast<unsigned short*>(target) = static_cast<unsigned short>(bits);
        else
            *target = static_cast<unsigned char>(bits);
    }
}
