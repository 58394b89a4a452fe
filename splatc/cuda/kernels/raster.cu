// Tiles of a view -> samples: what render/draw.py does on the CPU, a block for each tile.
//
// A tile has up to 16 x 16 samples, whole output pixels; each of its 64 threads adds up the Gaussians of four samples below each other.
// The Gaussians of the tile come through shared memory, 64 at a time. For each one and each sample: 4 multiply-adds for u, v and the
// exponent, one ex2, one addition that clamps, PLANES multiply-adds; 12.4 instructions in all for RGB, as sm_90's machine code has them.
//
// CHANNELS 1..4; NORMALIZED 1 for the normalized blend, 0 for the sum.
#include "pixel.cuh"
#include "planes.cuh"

constexpr int SIDE = 16;                            // samples, of a tile
constexpr int ROWS = 4;                             // samples of a thread
constexpr int THREADS = SIDE * SIDE / ROWS;
constexpr int STAGED = THREADS;                     // Gaussians that lie in shared memory at once
constexpr int STAGE_BYTES = STAGED * int(sizeof(Axes) + sizeof(Planes) + sizeof(float2));
constexpr int TILE_BYTES = SIDE * SIDE * CHANNELS * 4;

// Keeps the compiler from computing a value again wherever it is used: of the tile's geometry it would, in the innermost loop.
template <class T>
__device__ __forceinline__ T kept(T value) {
#ifdef __CUDA_ARCH__
    if constexpr (sizeof(T) == sizeof(float) && T(0.5f) != T(0))
        asm volatile("" : "+f"(value));
    else
        asm volatile("" : "+r"(value));
#endif
    return value;
}

// What of a tile is stored: its pixels [x0, x1) x [y0, y1), the first at `corner`.
struct Part {
    int x0, x1, y0, y1;
    unsigned char* corner;
    size_t pitch;  // bytes from row to row
};

// The means of samples x samples grid points, those before (width, height), in their place. Each thread takes a pixel; there are no more,
// as a pixel has at least four of them.
__device__ __forceinline__ void average(float* sampled, int samples, int width, int height, int thread) {
    int pixels = SIDE / samples, x = thread % pixels, y = thread / pixels;
    int u1 = min((x + 1) * samples, width), v1 = min((y + 1) * samples, height);
    float sums[CHANNELS] = {};
#pragma unroll 1
    for (int v = y * samples; v < v1; v++)
#pragma unroll 1
        for (int u = x * samples; u < u1; u++)
#pragma unroll
            for (int c = 0; c < CHANNELS; c++) sums[c] += sampled[(v * SIDE + u) * CHANNELS + c];
    float counted = float((u1 - x * samples) * (v1 - y * samples));
    __syncthreads();
#pragma unroll
    for (int c = 0; c < CHANNELS; c++)
        if (y < pixels) sampled[(y * SIDE + x) * CHANNELS + c] = sums[c] / counted;  // not stored where that is 0
    __syncthreads();
}

// Stores samples of SIZE bytes: integers of one or two, or floats.
template <int SIZE>
__device__ __forceinline__ void store(const float* sampled, const Part& part, int thread) {
    constexpr int MOST = 4 / SIZE, COLUMNS = 16;
    // Words of four bytes where rows consist of such, else sample by sample.
    int across = (part.x1 - part.x0) * CHANNELS;
    bool words = ((reinterpret_cast<size_t>(part.corner) | part.pitch | size_t(across * SIZE)) & 3) == 0;
    int each = words ? MOST : 1;
#pragma unroll 1
    for (int row = thread / COLUMNS; row < part.y1 - part.y0; row += THREADS / COLUMNS) {
        unsigned char* target = part.corner + size_t(row) * part.pitch;
        const float* line = sampled + ((part.y0 + row) * SIDE + part.x0) * CHANNELS;
#pragma unroll 1
        for (int first = thread % COLUMNS * each; first < across; first += COLUMNS * each) {
            unsigned bits = 0;
#pragma unroll
            for (int e = 0; e < MOST; e++) {
                float value = line[e < each ? first + e : first];
                unsigned coded = SIZE == 4 ? unsigned(__float_as_int(value)) : rounded(value, SIZE == 1 ? 255.0f : 65535.0f);
                bits |= coded << (8 * SIZE * e);
            }
            if (SIZE == 4 || words)
                *reinterpret_cast<unsigned*>(target + first * SIZE) = bits;
            else if (SIZE == 2)
                *reinterpret_cast<unsigned short*>(target + first * SIZE) = static_cast<unsigned short>(bits);
            else
                target[first] = static_cast<unsigned char>(bits);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 16) raster_tiles(
    const Place* __restrict__ place, const Axes* __restrict__ axes, const Planes* __restrict__ planes,
    const int* __restrict__ starts, const int* __restrict__ members,
    const float* __restrict__ background,   // (4)
    int first_tile, int tiles_x,            // the tiles from `first_tile` on are drawn, counted along the rows
    int samples,                            // grid points of an output pixel, a side
    int columns, int rows,                  // of the output
    int lead_x, int lead_y,                 // output pixels of the first tile left of and above the output
    int end_x, int end_y,                   // one past the last column and row of the grid, from the origin
    int size,                               // bytes of a sample: 1, 2, or 4 for floats
    unsigned char* __restrict__ out) {      // (rows, columns, CHANNELS) samples
    alignas(16) __shared__ unsigned char memory[STAGE_BYTES > TILE_BYTES ? STAGE_BYTES : TILE_BYTES];
    Axes* stage_axes = reinterpret_cast<Axes*>(memory);
    Planes* stage_planes = reinterpret_cast<Planes*>(stage_axes + STAGED);
    float2* stage_mean = reinterpret_cast<float2*>(stage_planes + STAGED);
    float* sampled = reinterpret_cast<float*>(memory);

    int tile = first_tile + int(blockIdx.x), tile_x = tile % tiles_x, tile_y = tile / tiles_x, thread = int(threadIdx.x);
    int pixels = SIDE / samples, left = tile_x * pixels * samples, top = tile_y * pixels * samples;
    int x = thread % SIDE, y = thread / SIDE * ROWS;
    float point_x = kept(float(x) + 0.5f), point_y = kept(float(y) + 0.5f);
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
        int here = kept(min(end - base, STAGED));
#pragma unroll 2
        for (int k = 0; k < here; k++) {
            Axes a = stage_axes[k];
            Planes add = stage_planes[k];
            float dx = point_x - stage_mean[k].x, dy = point_y - stage_mean[k].y;
            float u = a.ux * dx + a.uy * dy, v = a.vx * dx + a.vy * dy;
#pragma unroll
            for (int row = 0; row < ROWS; row++) {
                float w = row == 0 ? weight(u, v) : weight(u + a.uy * float(row), v + a.vy * float(row));
#pragma unroll
                for (int p = 0; p < PLANES; p++) sums[row][p] += w * add.value[p];
            }
        }
        __syncthreads();
    }

    bool clamp = samples > 1 || size < 4;
    float behind[CHANNELS];
#pragma unroll
    for (int c = 0; c < CHANNELS; c++) behind[c] = NORMALIZED ? background[c] : 0.0f;
#pragma unroll
    for (int row = 0; row < ROWS; row++) {
        float inverse = NORMALIZED ? __fdividef(1.0f, sums[row][PLANES - 1] + SPLATC_EPSILON) : 1.0f;
#pragma unroll
        for (int c = 0; c < CHANNELS; c++) {
            float value = NORMALIZED ? normalized(sums[row][c], inverse, behind[c]) : sums[row][c];
            sampled[((y + row) * SIDE + x) * CHANNELS + c] = clamp ? clamped(value) : value;
        }
    }
    __syncthreads();
    if (samples > 1)
        average(sampled, samples, min(pixels * samples, end_x - left), min(pixels * samples, end_y - top), thread);

    // The tile may begin left of the output or above it, and end beyond.
    int tile_left = tile_x * pixels - lead_x, tile_top = tile_y * pixels - lead_y;
    Part part;
    part.x0 = max(-tile_left, 0), part.x1 = min(pixels, columns - tile_left);
    part.y0 = max(-tile_top, 0), part.y1 = min(pixels, rows - tile_top);
    part.pitch = size_t(columns) * CHANNELS * size_t(size);
    part.corner = out + size_t(tile_top + part.y0) * part.pitch + size_t(tile_left + part.x0) * CHANNELS * size_t(size);
    if (size == 1) store<1>(sampled, part, thread);
    if (size == 2) store<2>(sampled, part, thread);
    if (size == 4) store<4>(sampled, part, thread);
}
