/* Points along a space-filling curve: neighbours in the picture become neighbours in memory. */
#include "seed.h"

#include "internal.h"

static const double LAST_CELL = 2147483647.0;

typedef struct keyed { /* a point by its code */
    uint64_t code;
    int64_t index;
} keyed;

int64_t core_order_workspace(int64_t count) { return count < 0 || count > INT32_MAX ? 0 : 2 * count * (int64_t)sizeof(keyed) + 64; }

static int32_t cell_of(double place) { return (int32_t)(place > 0.0 ? (place < LAST_CELL ? place : LAST_CELL) : 0.0); }

/* A radix sort, eight bits a round, those rounds left out in which all agree; returns where the result lies. */
static const keyed *sort_by_key(keyed *from, keyed *to, int64_t count) {
    for (int32_t shift = 0; shift < 64; shift += 8) {
        int64_t places[256] = {0}, sum = 0;
        for (int64_t i = 0; i < count; i++) places[from[i].code >> shift & 255]++;
        if (count == 0 || places[from[0].code >> shift & 255] == count) continue;
        for (int32_t digit = 0; digit < 256; digit++) {
            int64_t members = places[digit];
            places[digit] = sum;
            sum += members;
        }
        for (int64_t i = 0; i < count; i++) to[places[from[i].code >> shift & 255]++] = from[i];
        keyed *swapped = from;
        from = to;
        to = swapped;
    }
    return from;
}

int32_t core_order_points(const float *points, int64_t count, double left, double top, double factor, int32_t *order, uint8_t *workspace,
                          int64_t workspace_bytes) {
    if (count < 0 || count > INT32_MAX || (count > 0 && (points == NULL || order == NULL))) return CORE_INVALID;
    if (workspace == NULL || (uintptr_t)workspace % 64 || workspace_bytes < core_order_workspace(count)) return CORE_INVALID;
    keyed *here = (keyed *)(void *)workspace, *there = here + count;
    for (int64_t i = 0; i < count; i++) {
        int32_t x = cell_of(((double)points[2 * i] - left) * factor), y = cell_of(((double)points[2 * i + 1] - top) * factor);
        here[i] = (keyed){morton(x, y), i};
    }
    const keyed *sorted = sort_by_key(here, there, count);
    for (int64_t i = 0; i < count; i++) order[i] = (int32_t)sorted[i].index;
    return CORE_OK;
}
