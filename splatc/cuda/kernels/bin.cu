// Which Gaussians reach which tile: count, scan, fill, sort. Tile t holds members[starts[t] : starts[t + 1]], in ascending order.
//
// Slots are taken by atomics, in whatever order; sorting makes the lists, and so the last bit of every sample, the same in every run.
// `fill` counts down what `count` counted up, so the counts are all zero again for the next frame.
#include "pixel.cuh"

constexpr unsigned ALL = 0xffffffffu;
constexpr int SCANNED = 1024;   // counts that one block scans
constexpr int SORTED = 512;     // longest list that is sorted in shared memory
constexpr int SORTERS = 4;      // warps of a block of `sort`

// The tiles of a frame: tiles_x by tiles_y of them, width by height points each, the corner of the first at the origin of `Place`.
struct Tiles {
    int tiles_x, tiles_y, width, height;
};

__device__ __forceinline__ int tile_at(int whole, float beyond, int size, int tiles) {
    float bounded = fminf(fmaxf(floorf(beyond), -536870912.0f), 536870912.0f);
    int point = whole + int(bounded);
    int tile = point >= 0 ? point / size : -((size - 1 - point) / size);
    return min(max(tile, -1), tiles);
}

// Calls visit(tile) for each tile that the Gaussian meets. A warp shares the tiles of its bounding box: some are a million times larger
// than others.
template <class Visit>
__device__ __forceinline__ void visit_tiles(const Place& at, const Axes& axes, const Tiles& tiles, int lane, Visit visit) {
    float reach_x, reach_y;
    reach_of(axes, reach_x, reach_y);
    int x0 = max(tile_at(at.x, at.fx - reach_x - 0.5f, tiles.width, tiles.tiles_x), 0);
    int x1 = min(tile_at(at.x, at.fx + reach_x + 0.5f, tiles.width, tiles.tiles_x), tiles.tiles_x - 1);
    int y0 = max(tile_at(at.y, at.fy - reach_y - 0.5f, tiles.height, tiles.tiles_y), 0);
    int y1 = min(tile_at(at.y, at.fy + reach_y + 0.5f, tiles.height, tiles.tiles_y), tiles.tiles_y - 1);
    if (x0 > x1 || y0 > y1) return;
    int columns = x1 - x0 + 1, boxed = columns * (y1 - y0 + 1);
    for (int k = lane; k < boxed; k += 32) {
        int row = y0 + k / columns, column = x0 + k % columns;
        // Centres of pixels lie half a point inside of their tile: room for rounding.
        float low = float(row * tiles.height - at.y) - at.fy, near = float(column * tiles.width - at.x) - at.fx;
        float left, right;
        strip_span(axes, low, low + float(tiles.height), left, right);
        if (left <= near + float(tiles.width) && right >= near) visit(row * tiles.tiles_x + column);
    }
}

// One warp for each Gaussian.
extern "C" __global__ void __launch_bounds__(256) count_tiles(
    int count, const Place* __restrict__ place, const Axes* __restrict__ axes,
    int tiles_x, int tiles_y, int width, int height, int* counts) {
    int i = int((blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = int(threadIdx.x & 31);
    if (i >= count) return;
    visit_tiles(place[i], axes[i], {tiles_x, tiles_y, width, height}, lane, [&](int tile) { atomicAdd(&counts[tile], 1); });
}

extern "C" __global__ void __launch_bounds__(256) fill_tiles(
    int count, const Place* __restrict__ place, const Axes* __restrict__ axes,
    int tiles_x, int tiles_y, int width, int height, int* counts, const int* __restrict__ starts, int* __restrict__ members) {
    int i = int((blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = int(threadIdx.x & 31);
    if (i >= count) return;
    visit_tiles(place[i], axes[i], {tiles_x, tiles_y, width, height}, lane, [&](int tile) {
        members[starts[tile] + atomicAdd(&counts[tile], -1) - 1] = i;
    });
}

// The sum of `value` over the threads before this one, of a block of 256; `total` is that of all.
__device__ __forceinline__ long long scan_block(long long value, long long& total) {
    __shared__ long long sums[8];
    int lane = int(threadIdx.x & 31), warp = int(threadIdx.x / 32);
    long long sum = value;
    for (int step = 1; step < 32; step *= 2) {
        long long before = __shfl_up_sync(ALL, sum, step);
        if (lane >= step) sum += before;
    }
    if (lane == 31) sums[warp] = sum;
    __syncthreads();
    long long base = 0;
    total = 0;
    for (int w = 0; w < 8; w++) {
        if (w < warp) base += sums[w];
        total += sums[w];
    }
    __syncthreads();  // `sums` may be written again
    return base + sum - value;
}

// The sum of each run of SCANNED counts.
extern "C" __global__ void __launch_bounds__(256) scan_runs(const int* __restrict__ counts, int tiles, long long* __restrict__ runs) {
    int first = int(blockIdx.x) * SCANNED + int(threadIdx.x) * 4;
    long long sum = 0, total;
    for (int k = first; k < min(first + 4, tiles); k++) sum += counts[k];
    scan_block(sum, total);
    if (threadIdx.x == 0) runs[blockIdx.x] = total;
}

// What lies before each run, in place; runs[n] becomes the sum of all. One block.
extern "C" __global__ void __launch_bounds__(256) scan_totals(long long* runs, int n) {
    long long carry = 0;
    for (int base = 0; base < n; base += 256) {
        int k = base + int(threadIdx.x);
        long long total, before = scan_block(k < n ? runs[k] : 0, total);
        if (k < n) runs[k] = carry + before;
        carry += total;
    }
    if (threadIdx.x == 0) runs[n] = carry;
}

extern "C" __global__ void __launch_bounds__(256) scan_starts(
    const int* __restrict__ counts, int tiles, const long long* __restrict__ runs, int* __restrict__ starts) {
    int first = int(blockIdx.x) * SCANNED + int(threadIdx.x) * 4;
    long long sum = 0, total;
    for (int k = first; k < min(first + 4, tiles); k++) sum += counts[k];
    long long start = runs[blockIdx.x] + scan_block(sum, total);
    for (int k = first; k < min(first + 4, tiles); k++) {
        starts[k] = int(start);
        start += counts[k];
        if (k == tiles - 1) starts[tiles] = int(start);
    }
}

// Bitonic, in the form where every comparison puts the smaller value first: a list of any length is one of a power of two, the values
// behind its end larger than all. One warp.
__device__ __forceinline__ void sort_list(int* list, int length, int lane) {
    int padded = 1;
    while (padded < length) padded *= 2;
    for (int size = 2; size <= padded; size *= 2) {
        for (int step = size / 2; step > 0; step /= 2) {
            for (int k = lane; k < padded / 2; k += 32) {
                int low = 2 * k - (k & (step - 1));
                int high = step == size / 2 ? (low | (size - 1)) - (low & (step - 1)) : low + step;
                if (high < length && list[low] > list[high]) {
                    int swapped = list[low];
                    list[low] = list[high];
                    list[high] = swapped;
                }
            }
            __syncwarp();
        }
    }
}

// One warp for each tile.
extern "C" __global__ void __launch_bounds__(32 * SORTERS) sort_tiles(int tiles, const int* __restrict__ starts, int* members) {
    __shared__ int copies[SORTERS][SORTED];
    int tile = int(blockIdx.x) * SORTERS + int(threadIdx.x / 32), lane = int(threadIdx.x & 31);
    if (tile >= tiles) return;
    int* list = members + starts[tile];
    int length = starts[tile + 1] - starts[tile];
    if (length <= 32) {
        int value = lane < length ? list[lane] : 0x7fffffff;
        for (int size = 2; size <= 32; size *= 2) {
            for (int step = size / 2; step > 0; step /= 2) {
                int mask = step == size / 2 ? size - 1 : step, other = __shfl_xor_sync(ALL, value, mask);
                value = (lane & step) ? max(value, other) : min(value, other);
            }
        }
        if (lane < length) list[lane] = value;
    } else if (length <= SORTED) {
        int* copy = copies[threadIdx.x / 32];
        for (int k = lane; k < length; k += 32) copy[k] = list[k];
        __syncwarp();
        sort_list(copy, length, lane);
        for (int k = lane; k < length; k += 32) list[k] = copy[k];
    } else {
        sort_list(list, length, lane);
    }
}
