// Which Gaussians reach which tile: count, scan, fill, sort. Tile t holds members[starts[t] : starts[t + 1]], in ascending order.
//
// Slots are taken by atomics, in whatever order; sorting makes the lists, and so the last bit of every sample, the same in every run.
// `fill` counts down what `count` counted up, so the counts are all zero again for the next view.
#include "tiles.cuh"

constexpr unsigned ALL = 0xffffffffu;
constexpr int SCANNED = 1024;   // counts that one block scans
constexpr int SORTED = 512;     // longest list that is sorted in shared memory
constexpr int SORTERS = 4;      // warps of a block of `sort`

// Calls visit(tile) for each tile that the Gaussian meets. A warp shares the tiles of its box: some are a million times larger than others.
template <class Visit>
__device__ __forceinline__ void visit_tiles(
    const Place& at, const Outline& outline, const Box& box, int tiles_x, int width, int height, int lane, Visit visit) {
    for (unsigned k = unsigned(lane); k < unsigned(box.count); k += 32) {
        int down = int(k / unsigned(box.columns)), row = box.y0 + down, column = box.x0 + int(k) - down * box.columns;
        // Centres of pixels lie half a point inside of their tile: room for rounding.
        float low = float(row * height - at.y) - at.fy, near = float(column * width - at.x) - at.fx;
        float left, right;
        strip_span(outline, low, low + float(height), left, right);
        if (left <= near + float(width) && right >= near) visit(row * tiles_x + column);
    }
}

// One warp for each Gaussian.
extern "C" __global__ void __launch_bounds__(256) count_tiles(
    int count, const Place* __restrict__ place, const Outline* __restrict__ outline, const Box* __restrict__ box,
    int tiles_x, int width, int height, int* counts) {
    int i = int((blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = int(threadIdx.x & 31);
    if (i >= count) return;
    visit_tiles(place[i], outline[i], box[i], tiles_x, width, height, lane, [&](int tile) { atomicAdd(&counts[tile], 1); });
}

extern "C" __global__ void __launch_bounds__(256) fill_tiles(
    int count, const Place* __restrict__ place, const Outline* __restrict__ outline, const Box* __restrict__ box,
    int tiles_x, int width, int height, int* counts, const int* __restrict__ starts, int* __restrict__ members) {
    int i = int((blockIdx.x * blockDim.x + threadIdx.x) / 32), lane = int(threadIdx.x & 31);
    if (i >= count) return;
    visit_tiles(place[i], outline[i], box[i], tiles_x, width, height, lane, [&](int tile) {
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
