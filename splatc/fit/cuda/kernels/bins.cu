// Gaussians in the coordinates of a subset, with the noise of their quantization, and the lists of those that reach each bin.
//
// Lists are counted and filled with integer atomics, which decide nothing but the order; then each list is sorted, so two runs have the
// same lists.

// The table of steps: widths of log scale and log aspect ratio, step of the aspect index, by level of the mean, by level and channel of the colours,
// by level and aspect index of the angle; by aspect index the number of sub-cell offsets of the mean.
constexpr int MEANS = 3, COLOURS = MEANS + LEVELS, ANGLES = COLOURS + 4 * LEVELS, OFFSETS = ANGLES + LEVELS * ASPECTS;

// frozen: by Gaussian a bit for each of mean, log scale, log aspect ratio, angle and colour that is final.
enum { FROZEN_MEAN = 1, FROZEN_LOG_SCALE = 2, FROZEN_LOG_ASPECT = 4, FROZEN_ANGLE = 8, FROZEN_COLOUR = 16 };

__device__ inline void bins_of(const Record& r, int width, int height, int& x0, int& x1, int& y0, int& y1) {
    span(r.x, r.extent_x, width, x0, x1);
    span(r.y, r.extent_y, height, y0, y1);
    if (x0 >= x1 || y0 >= y1) x0 = x1 = y0 = y1 = 0;
    x0 /= BIN, x1 = (x1 + BIN - 1) / BIN, y0 /= BIN, y1 = (y1 + BIN - 1) / BIN;
}

// Noise (first, second), uniform in [-1/2, 1/2)^2, for the mean: in the slice of a sub-cell offset, of a cell of side `step`, narrower across the Gaussian, and along it
// as long as slices are on the mean (splatc/fit/rounding.py).
__device__ inline void add_in_offset(float* p, float first, float second, float step, float offsets) {
    float sin, cos;
    sincospif(p[4] * 0.31830988618379067f, &sin, &cos);
    float extent = fabsf(cos) + fabsf(sin);
    float along = offsets == 1.0f ? 1.0f : 1.0f / extent, across = offsets == 1.0f ? 1.0f : extent / offsets;
    bool tall = p[3] < 0.0f;  // its long axis is the second
    first *= step * (tall ? across : along), second *= step * (tall ? along : across);
    p[0] += first * cos - second * sin;
    p[1] += first * sin + second * cos;
}

// For each Gaussian its record, the bins that it reaches counted, and into how many parts its samples are divided (gather.cu).
extern "C" __global__ void __launch_bounds__(128) prepare(
    int count, const float* parameters, const unsigned char* frozen, const float* steps, int noisy, unsigned seed, unsigned step,
    float origin_x, float origin_y, float reduction, int width, int height, int bins_x, int part, int most_parts,
    Record* records, int* counts, int* parts) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float p[COORDINATES];
    for (int k = 0; k < COORDINATES; k++) p[k] = parameters[static_cast<size_t>(k) * count + i];
    if (noisy) {
        int still = frozen[i];
        int level = static_cast<int>(clamp(floorf(p[2] * 1.4426950408889634f + 1.0f), 0.0f, LEVELS - 1.0f));
        int index = static_cast<int>(clamp(rintf(fabsf(p[3]) / steps[2]), 0.0f, ASPECTS - 1.0f));
        Words a = philox(i, step, 0, 0, seed, 0), b = philox(i, step, 1, 0, seed, 0), c = philox(i, step, 2, 0, seed, 0);
        if (!(still & FROZEN_MEAN)) add_in_offset(p, centred(a.word[0]), centred(a.word[1]), steps[MEANS + level], steps[OFFSETS + index]);
        if (!(still & FROZEN_LOG_SCALE)) p[2] += centred(a.word[2]) * steps[0];
        if (!(still & FROZEN_LOG_ASPECT)) p[3] += centred(a.word[3]) * steps[1];
        if (!(still & FROZEN_ANGLE)) p[4] += centred(b.word[0]) * steps[ANGLES + level * ASPECTS + index];
        if (!(still & FROZEN_COLOUR)) {
            const float* width_of = steps + COLOURS + 4 * level;
            for (int k = 0; k < CHANNELS; k++) p[5 + k] += centred(k < 3 ? b.word[1 + k] : c.word[0]) * width_of[k];
        }
    }
    Record r;
    place(r, (p[0] - origin_x) / reduction, (p[1] - origin_y) / reduction, expf(p[2] + 0.5f * p[3]) / reduction,
          expf(p[2] - 0.5f * p[3]) / reduction, p[4]);
    to_rgb(p + 5);
    for (int k = 0; k < 4; k++) r.colour[k] = k < CHANNELS ? p[5 + k] : 0.0f;
    records[i] = r;

    int x0, x1, y0, y1;
    bins_of(r, width, height, x0, x1, y0, y1);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) atomicAdd(counts + y * bins_x + x, 1);
    span(r.y, r.extent_y, height, y0, y1);
    float area = 3.1415927f * r.half * r.extent_y;
    int wanted = static_cast<int>(fminf(area / part, 1e6f)) + 1;
    parts[i] = x0 < x1 && y0 < y1 ? min(min(wanted, most_parts), y1 - y0) : 0;
}

// Exclusive sums by one block of 1024; totals may come from parts of all sizes. `again` gets a copy, `values` become 0 if asked for.
__device__ inline void scan_block(int* values, int count, int* sums, int* again, bool clear) {
    __shared__ int by_warp[32];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, before = 0;
    for (int base = 0; base < count; base += 4 * 1024) {
        int at = base + 4 * threadIdx.x, value[4], own = 0;
        for (int k = 0; k < 4; k++) own += value[k] = at + k < count ? values[at + k] : 0;
        int sum = own;
        for (int delta = 1; delta < 32; delta *= 2) {
            int other = __shfl_up_sync(ALL, sum, delta);
            if (lane >= delta) sum += other;
        }
        if (lane == 31) by_warp[warp] = sum;
        __syncthreads();
        int mine = by_warp[lane];
        for (int delta = 1; delta < 32; delta *= 2) {
            int other = __shfl_up_sync(ALL, mine, delta);
            if (lane >= delta) mine += other;
        }
        int preceding = __shfl_sync(ALL, mine, warp > 0 ? warp - 1 : 0), all = __shfl_sync(ALL, mine, 31);
        int running = before + (warp > 0 ? preceding : 0) + sum - own;
        for (int k = 0; k < 4; k++) {
            if (at + k < count) {
                sums[at + k] = running;
                if (again) again[at + k] = running;
                if (clear) values[at + k] = 0;
            }
            running += value[k];
        }
        before += all;
        __syncthreads();
    }
    if (threadIdx.x == 0) sums[count] = before;
}

// Block 0: where each bin's list begins, and the counts are 0 again. Block 1: where each Gaussian's parts begin.
extern "C" __global__ void __launch_bounds__(1024) scan(int bins, int* counts, int* starts, int* cursor, int count, int* parts,
                                                        int* offsets) {
    if (blockIdx.x == 0) {
        scan_block(counts, bins, starts, cursor, true);
    } else {
        scan_block(parts, count, offsets, nullptr, false);
    }
}

// The lists, in whatever order the atomics come.
extern "C" __global__ void __launch_bounds__(128) fill(int count, const Record* records, int width, int height, int bins_x,
                                                       int* cursor, int* members, int capacity) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    Record r;
    load(r, records + i, 0, 2);
    int x0, x1, y0, y1;
    bins_of(r, width, height, x0, x1, y0, y1);
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            int at = atomicAdd(cursor + y * bins_x + x, 1);
            if (at < capacity) members[at] = i;
        }
    }
}

// Batcher's bitonic network with all comparisons upwards: what lies behind the end counts as infinite and never moves.
__device__ inline void sort_ascending(int* keys, int count) {
    for (int size = 2; size / 2 < count; size *= 2) {
        for (int gap = size / 2; gap > 0; gap /= 2) {
            __syncthreads();
            for (int pair = threadIdx.x; pair < (count + 2 * gap - 1) / (2 * gap) * gap; pair += blockDim.x) {
                int within = pair & (gap - 1), low = 2 * pair - within;
                int high = gap == size / 2 ? low - 2 * within + size - 1 : low + gap;
                if (high < count && keys[low] > keys[high]) {
                    int key = keys[low];
                    keys[low] = keys[high];
                    keys[high] = key;
                }
            }
        }
    }
    __syncthreads();
}

// A block for each bin brings its list into ascending order; lists of up to SHARED members within shared memory.
constexpr int SHARED = 4096;

extern "C" __global__ void __launch_bounds__(256) sort(const int* starts, int* members, int capacity) {
    __shared__ int keys[SHARED];
    int first = min(starts[blockIdx.x], capacity), count = min(starts[blockIdx.x + 1], capacity) - first;
    int* list = members + first;
    if (count > SHARED) {
        sort_ascending(list, count);
        return;
    }
    for (int k = threadIdx.x; k < count; k += blockDim.x) keys[k] = list[k];
    sort_ascending(keys, count);
    for (int k = threadIdx.x; k < count; k += blockDim.x) list[k] = keys[k];
}
