/* Which pixels are drawn: the smallest keys, found digit by digit. */
#include "seed.h"

#include "internal.h"

enum { DIGIT = 11, DIGITS = 1 << DIGIT };

/* The digit at `shift` of the key with `rank` smaller ones, among those that agree with `prefix` above that digit; `rank` is then counted among those that
   agree with it too. */
static uint32_t find_digit(const uint32_t *keys, int64_t count, uint32_t prefix, uint32_t above, int32_t shift, int64_t *rank) {
    int32_t counts[DIGITS] = {0};
    for (int64_t i = 0; i < count; i++)
        if ((keys[i] & above) == prefix) counts[keys[i] >> shift & (DIGITS - 1)]++;
    uint32_t digit = 0;
    for (; digit < DIGITS - 1 && *rank >= counts[digit]; digit++) *rank -= counts[digit];
    return digit;
}

int32_t core_choose_smallest(const uint32_t *keys, int64_t count, int64_t wanted, int64_t *chosen) {
    static const int32_t SHIFTS[3] = {21, 10, 0};
    if (count < 0 || count > INT32_MAX || wanted < 0 || wanted > count) return CORE_INVALID;
    if (wanted == 0) return CORE_OK;
    if (keys == NULL || chosen == NULL) return CORE_INVALID;
    uint32_t last = 0, above = 0; /* of the keys that are chosen, the largest */
    int64_t equal = wanted - 1;   /* of those that have it, how many are chosen */
    for (int32_t k = 0; k < 3; k++) {
        last |= find_digit(keys, count, last, above, SHIFTS[k], &equal) << SHIFTS[k];
        above = ~(uint32_t)0 << SHIFTS[k];
    }
    equal++;
    for (int64_t i = 0; i < count && wanted > 0; i++) {
        if (keys[i] > last || (keys[i] == last && equal == 0)) continue;
        equal -= keys[i] == last;
        *chosen++ = i;
        wanted--;
    }
    return CORE_OK;
}
