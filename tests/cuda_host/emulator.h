// What CUDA C++ has and C++ has not, for kernels that run on the host: each thread of a block is a coroutine, which waits at barriers and
// at whatever a warp does together. Blocks follow one another, so __shared__ arrays may be static; like a GPU's they begin with rubbish.

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>
#include <utility>

#define HOST 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __constant__ static const
#define __launch_bounds__(...)

struct Extent {
    unsigned x, y, z;
};
static Extent threadIdx, blockIdx, blockDim, gridDim;

struct int2 { int x, y; };
struct int4 { int x, y, z, w; };
struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct uchar4 { unsigned char x, y, z, w; };
struct float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct double2 { double x, y; };
static inline int2 make_int2(int x, int y) { return {x, y}; }
static inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

#define OVERLOADS(type)                                                   \
    static inline type min(type a, type b) { return b < a ? b : a; }      \
    static inline type max(type a, type b) { return a < b ? b : a; }
OVERLOADS(int)
OVERLOADS(unsigned)
OVERLOADS(long long)
OVERLOADS(unsigned long long)
OVERLOADS(float)
OVERLOADS(double)

static inline void sincospif(float x, float* sin, float* cos) {
    double angle = 3.14159265358979323846 * x;
    *sin = static_cast<float>(std::sin(angle)), *cos = static_cast<float>(std::cos(angle));
}
static inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
static inline int __ffs(int bits) { return __builtin_ffs(bits); }
static inline int __clz(int bits) { return bits ? __builtin_clz(bits) : 32; }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float __saturatef(float x) { return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x; }
static inline float __int_as_float(int bits) { float value; memcpy(&value, &bits, 4); return value; }
static inline int __float_as_int(float value) { int bits; memcpy(&bits, &value, 4); return bits; }
static inline int __float2int_rn(float value) { return static_cast<int>(rintf(value)); }
static inline int __float2int_rd(float value) { return static_cast<int>(floorf(value)); }
static inline int __float2int_ru(float value) { return static_cast<int>(ceilf(value)); }
template <class T> static inline T __ldg(const T* at) { return *at; }
template <class T, class U> static inline T atomicAdd(T* at, U value) { T old = *at; *at += value; return old; }
template <class T, class U> static inline T atomicMax(T* at, U value) { T old = *at; if (value > old) *at = value; return old; }
static inline void __threadfence() {}

// The coroutines.

enum State { RUNS, AT_BLOCK, AT_WARP, DONE };
struct Thread {
    jmp_buf here;
    ucontext_t start;
    State state;
    bool begun;
    unsigned together;  // how often its warp has done something together
    const char* what;   // at which barrier it waits
};
constexpr int MOST = 1024;
constexpr size_t STACK = 1 << 17;
static Thread threads[MOST];
static int running;
static jmp_buf scheduler;
static void (*body)(void*);
static void* body_arguments;
static uint64_t exchange[2][MOST];  // what lanes show one another; two, so that one barrier is enough

extern "C" int emulator_backwards;
int emulator_backwards = 0;  // lanes, warps and blocks take turns from the last to the first

static void __attribute__((noinline)) wait(State state, const char* what) {
    threads[running].state = state, threads[running].what = what;
    if (_setjmp(threads[running].here) == 0) _longjmp(scheduler, 1);
}

static void live() {
    for (;;) {
        body(body_arguments);
        wait(DONE, "");
    }
}

static void __attribute__((noinline)) resume(int thread) {
    Thread& t = threads[thread];
    t.state = RUNS, running = thread;
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / (blockDim.x * blockDim.y)};
    if (_setjmp(scheduler) != 0) return;
    if (t.begun) _longjmp(t.here, 1);
    t.begun = true;
    getcontext(&t.start);
    t.start.uc_stack.ss_sp = malloc(STACK), t.start.uc_stack.ss_size = STACK, t.start.uc_link = nullptr;
    makecontext(&t.start, live, 0);
    setcontext(&t.start);
}

static bool all_in(int first, int last, State state) {
    for (int i = first; i < last; i++)
        if (threads[i].state != state && threads[i].state != DONE) return false;
    return true;
}

static void run_block(int count) {
    for (int i = 0; i < count; i++) threads[i].state = RUNS, threads[i].together = 0;
    int warps = (count + 31) / 32;
    for (;;) {
        bool moved = false;
        for (int k = 0; k < warps; k++) {
            int first = 32 * (emulator_backwards ? warps - 1 - k : k), last = first + 32 < count ? first + 32 : count;
            for (;;) {
                for (int i = 0; i < last - first; i++) {
                    int at = emulator_backwards ? last - 1 - i : first + i;
                    if (threads[at].state == RUNS) resume(at), moved = true;
                }
                if (!all_in(first, last, AT_WARP) || all_in(first, last, DONE)) break;
                const char* what = nullptr;
                for (int i = first; i < last; i++) {
                    if (threads[i].state == DONE) continue;
                    if (what && strcmp(what, threads[i].what)) fprintf(stderr, "a warp at both %s and %s\n", what, threads[i].what), abort();
                    what = threads[i].what, threads[i].state = RUNS;
                }
            }
        }
        if (all_in(0, count, DONE)) return;
        if (all_in(0, count, AT_BLOCK)) {
            for (int i = 0; i < count; i++)
                if (threads[i].state == AT_BLOCK) threads[i].state = RUNS;
        } else if (!moved) {
            fprintf(stderr, "a block waits for ever: some threads at a barrier, others in their warp\n"), abort();
        }
    }
}

static inline void __syncthreads() { wait(AT_BLOCK, "block"); }
static inline void __syncwarp(unsigned = ~0u) { wait(AT_WARP, "__syncwarp"); }

// Shows a value to the warp; where those of all lanes lie. Lanes that have returned show what they showed last.
template <class T> static inline const uint64_t* show(T value, const char* what) {
    static_assert(sizeof(T) <= 8, "at most 8 bytes");
    uint64_t* slots = exchange[threads[running].together++ & 1];
    slots[running] = 0;
    memcpy(slots + running, &value, sizeof(T));
    wait(AT_WARP, what);
    return slots + running / 32 * 32;
}
template <class T> static inline T shown(uint64_t slot) { T value; memcpy(&value, &slot, sizeof(T)); return value; }

static inline unsigned __ballot_sync(unsigned, int predicate) {
    int me = running;
    const uint64_t* slots = show(predicate != 0, "__ballot_sync");
    unsigned bits = 0;
    for (int lane = 0; lane < 32; lane++)
        if (threads[me / 32 * 32 + lane].state != DONE && slots[lane]) bits |= 1u << lane;
    return bits;
}
static inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
static inline unsigned __activemask() { return ~0u; }
template <class T> static inline T __shfl_sync(unsigned, T value, int lane) { return shown<T>(show(value, "__shfl_sync")[lane & 31]); }
template <class T> static inline T __shfl_xor_sync(unsigned, T value, int mask) {
    int lane = running & 31;
    return shown<T>(show(value, "__shfl_xor_sync")[lane ^ mask]);
}
template <class T> static inline T __shfl_up_sync(unsigned, T value, unsigned delta) {
    int lane = running & 31;
    const uint64_t* slots = show(value, "__shfl_up_sync");
    return lane < static_cast<int>(delta) ? value : shown<T>(slots[lane - delta]);
}
template <class T> static inline T __shfl_down_sync(unsigned, T value, unsigned delta) {
    int lane = running & 31;
    const uint64_t* slots = show(value, "__shfl_down_sync");
    return lane + delta > 31 ? value : shown<T>(slots[lane + delta]);
}
template <class T> static inline T __reduce_add_sync(unsigned, T value) {
    const uint64_t* slots = show(value, "__reduce_add_sync");
    T sum = 0;
    for (int lane = 0; lane < 32; lane++) sum += shown<T>(slots[lane]);
    return sum;
}
// The butterfly over masks 16, 8, 4, 2, 1, in one go.
static inline float warp_sum(float value) {
    const uint64_t* slots = show(value, "warp_sum");
    float sums[32];
    for (int lane = 0; lane < 32; lane++) sums[lane] = shown<float>(slots[lane]);
    for (int half = 16; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++) sums[lane] += sums[lane + half];
    return sums[0];
}

// Launches: each argument lies at an address of its own, as for cuLaunchKernel.

template <class... A> struct Call {
    void (*kernel)(A...);
    void** arguments;
};
template <class... A, size_t... I> static void call(const Call<A...>& it, std::index_sequence<I...>) {
    it.kernel(*static_cast<std::decay_t<A>*>(it.arguments[I])...);
}
template <class... A> static void emulate(void (*kernel)(A...), int expected, const unsigned* extents, void** arguments) {
    if (sizeof...(A) != static_cast<size_t>(expected)) {
        fprintf(stderr, "a kernel of %zu arguments gets %d\n", sizeof...(A), expected), abort();
    }
    static Call<A...> it;
    it = {kernel, arguments};
    body = [](void* self) { call(*static_cast<Call<A...>*>(self), std::index_sequence_for<A...>()); };
    body_arguments = &it;
    gridDim = {extents[0], extents[1], extents[2]}, blockDim = {extents[3], extents[4], extents[5]};
    unsigned blocks = gridDim.x * gridDim.y * gridDim.z;
    for (unsigned k = 0; k < blocks; k++) {
        unsigned at = emulator_backwards ? blocks - 1 - k : k;
        blockIdx = {at % gridDim.x, at / gridDim.x % gridDim.y, at / (gridDim.x * gridDim.y)};
        run_block(blockDim.x * blockDim.y * blockDim.z);
    }
}
