/* What the fuzzers of the core share: numbers from the input, memory with guards on both sides, and what must hold. */
#ifndef SPLATC_FUZZ_H
#define SPLATC_FUZZ_H

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                    \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);        \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *at, *end;
} input;

/* The next `bytes` bytes, little-endian; zeros behind the end. */
static inline uint64_t take(input *in, int32_t bytes) {
    uint64_t value = 0;
    for (int32_t i = 0; i < bytes && in->at < in->end; i++) value |= (uint64_t)*in->at++ << 8 * i;
    return value;
}
static inline int32_t take32(input *in) { return (int32_t)(uint32_t)take(in, 4); }
static inline int32_t take16(input *in) { return (int16_t)(uint16_t)take(in, 2); }
static inline int32_t take8(input *in) { return (int32_t)take(in, 1); }

/* Numbers at which comparisons turn. */
static inline int64_t odd_number(int32_t which) {
    static const int64_t NUMBERS[] = {
        0, 1, -1, 2, 15, 16, 17, 64, -2, 1 << 26, (1 << 26) + 1, 1 << 30, INT32_MAX, INT32_MIN, (int64_t)1 << 31, (int64_t)1 << 32, (int64_t)1 << 40,
        (int64_t)1 << 44, (int64_t)1 << 58, (int64_t)1 << 62, INT64_MAX, INT64_MIN, INT64_MAX / 2, -((int64_t)1 << 40),
    };
    return NUMBERS[(size_t)which % (sizeof NUMBERS / sizeof *NUMBERS)];
}

/* Memory of exactly so many elements, in a state that nothing may depend on; at least one byte. */
static inline void *room(int64_t count, size_t size, int32_t state) {
    size_t bytes = (size_t)count * size;
    void *memory = malloc(bytes ? bytes : 1);
    MUST(memory != NULL);
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
    return memory;
#endif
#endif
    memset(memory, state, bytes);
    return memory;
}
static inline uint8_t *workspace_of(int64_t bytes, int32_t state) {
    uint8_t *memory = aligned_alloc(64, (size_t)(bytes ? bytes : 64));
    MUST(memory != NULL && bytes % 64 == 0);
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
    return memory;
#endif
#endif
    memset(memory, state, (size_t)bytes);
    return memory;
}

/* A header: most of them as a file may have it, some not. */
static inline int32_t take_steps(input *in, core_steps *steps) {
    core_header header = {.channels = 1 + (take8(in) & 3)};
    header.position = take16(in), header.position_slope = take16(in), header.log_scales = take16(in), header.aspect = take16(in);
    header.angle = take16(in), header.angle_slope = take16(in), header.luma = take16(in), header.chroma = take16(in), header.colour_slope = take16(in);
    return core_make_steps(&header, steps);
}

static inline int64_t rounded_up(int64_t bytes) { return (bytes + 63) & ~(int64_t)63; }

#endif
