/* Which instruction set this processor has. */
#include "internal.h"

#if defined(__x86_64__)
#include <cpuid.h>

enum { /* bits of cpuid, with the register that they lie in */
    C1_SSE3 = 1 << 0, C1_SSSE3 = 1 << 9, C1_FMA = 1 << 12, C1_CX16 = 1 << 13, C1_SSE41 = 1 << 19, C1_SSE42 = 1 << 20, C1_MOVBE = 1 << 22,
    C1_POPCNT = 1 << 23, C1_OSXSAVE = 1 << 27, C1_AVX = 1 << 28, C1_F16C = 1 << 29,
    B7_BMI1 = 1 << 3, B7_AVX2 = 1 << 5, B7_BMI2 = 1 << 8, B7_AVX512F = 1 << 16, B7_AVX512DQ = 1 << 17, B7_AVX512CD = 1 << 28,
    B7_AVX512BW = 1 << 30,
    EXTENDED_LZCNT = 1 << 5,
    STATE_AVX = 0x6, STATE_AVX512 = 0xe6, /* registers that the system saves */
};
static const uint32_t B7_AVX512VL = 1u << 31;

static uint32_t saved_registers(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int32_t all(uint32_t found, uint32_t wanted) { return (found & wanted) == wanted; }

int32_t best_level(void) {
    uint32_t a, b, c1, d, b7 = 0, c, extended = 0;
    if (!__get_cpuid(1, &a, &b, &c1, &d)) return 0;
    if (!all(c1, C1_SSE3 | C1_SSSE3 | C1_CX16 | C1_SSE41 | C1_SSE42 | C1_POPCNT)) return 0;
    __get_cpuid_count(7, 0, &a, &b7, &c, &d);
    __get_cpuid(0x80000001u, &a, &b, &extended, &d);
    if (!all(c1, C1_FMA | C1_MOVBE | C1_OSXSAVE | C1_AVX | C1_F16C) || !all(b7, B7_BMI1 | B7_AVX2 | B7_BMI2) ||
        !all(extended, EXTENDED_LZCNT) || !all(saved_registers(), STATE_AVX))
        return 2;
    if (!all(b7, B7_AVX512F | B7_AVX512DQ | B7_AVX512CD | B7_AVX512BW | B7_AVX512VL) || !all(saved_registers(), STATE_AVX512)) return 3;
    return 4;
}
#else
int32_t best_level(void) { return 1; }
#endif
