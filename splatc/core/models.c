/* Frequency tables: what they start from, how they adapt, and arrays of symbols that are read or written with them (spec/coder.md, spec/priors.md). */
#include "range.h"

typedef unsigned __int128 wide;

enum { ANGLE_WIDTH = 512, ANGLE_FLOOR = 1 << 13, PARTITION_SYMBOLS = 64, GEOMETRIC = 96 };

/* table(W) of the text, summed up. */
void cumulate(const int64_t *weights, int32_t alphabet, int32_t *cumulative) {
    int64_t total = 0;
    int32_t largest = 0, used = 0;
    for (int32_t s = 0; s < alphabet; s++) {
        total += weights[s];
        if (weights[s] > weights[largest]) largest = s;
    }
    cumulative[0] = 0;
    if (total >> 36)
        for (int32_t s = 0; s < alphabet; s++) cumulative[s + 1] = used += (int32_t)(1 + weights[s] * (TOTAL - alphabet) / total);
    else
        for (int32_t s = 0; s < alphabet; s++) cumulative[s + 1] = used += (int32_t)(1 + quotient(weights[s] * (TOTAL - alphabet), total));
    for (int32_t s = largest + 1; s <= alphabet; s++) cumulative[s] += TOTAL - used;
}

static int32_t *place_of(symbols out, int64_t i) {
    return out.values + (out.members == NULL ? i : out.members[i]) * out.stride;
}

static int64_t batch_end(int64_t start, int64_t seen, int64_t count) { return min64(count, start + max64(FIRST_BATCH, seen / 4)); }

/* An adaptive table, sharp or smooth; only how a batch changes the counts differs from a parametric model. */
int32_t code_adaptive(coder *r, int64_t *counts, int64_t *seen, int32_t alphabet, int32_t smooth, symbols out) {
    int32_t cumulative[CORE_DIRECTIONS + 1];
    for (int64_t start = 0, stop; start < out.count; start = stop) {
        stop = batch_end(start, *seen, out.count);
        *seen += stop - start;
        if (alphabet == 1) {
            for (int64_t i = start; i < stop; i++) *place_of(out, i) = 0;
            counts[0] += INCREMENT * (stop - start);
            continue;
        }
        cumulate(counts, alphabet, cumulative);
        for (int64_t i = start; i < stop; i++)
            if (code_symbol(r, cumulative, alphabet, place_of(out, i)) != CORE_OK) return CORE_IMPOSSIBLE_CODE;
        for (int64_t i = start; i < stop; i++) {
            int32_t symbol = *place_of(out, i);
            if (!smooth) {
                counts[symbol] += INCREMENT;
                continue;
            }
            for (int32_t near = max32(symbol - 2, 0); near <= min32(symbol + 2, alphabet - 1); near++) counts[near] += INCREMENT / 8;
            counts[symbol] += INCREMENT / 2 - INCREMENT / 8;
        }
    }
    return CORE_OK;
}

/* W of a residual prior: 2^16 in the middle, each step outwards ratio / 256 times as much, rounded down; then the escape. */
static int64_t residual_weights(int64_t ratio, int64_t *weights) {
    int64_t weight = 1 << 16, total = 0;
    for (int32_t k = 0; k <= RESIDUAL_RADIUS; k++) {
        weights[RESIDUAL_RADIUS - k] = weights[RESIDUAL_RADIUS + k] = weight;
        total += k ? 2 * weight : weight;
        weight = weight * ratio >> 8;
    }
    weights[ESCAPE] = 1 << 8;
    return total + (1 << 8);
}

void make_parametric_table(const int64_t *counts, int64_t distance, int64_t number, int32_t *cumulative) {
    int64_t weights[CORE_RESIDUALS], total = residual_weights(256 * distance / (distance + number), weights);
    for (int32_t s = 0; s <= ESCAPE; s++) weights[s] = counts[s] + 1 + quotient(weights[s] * GEOMETRIC * INCREMENT, total);
    cumulate(weights, CORE_RESIDUALS, cumulative);
}

int32_t code_parametric(coder *r, int64_t *counts, int64_t *distance, int64_t *number, symbols out) {
    int32_t cumulative[CORE_RESIDUALS + 1];
    int64_t seen = 0;
    for (int64_t start = 0, stop; start < out.count; start = stop) {
        stop = batch_end(start, seen, out.count);
        seen += stop - start;
        make_parametric_table(counts, *distance, *number, cumulative);
        for (int64_t i = start; i < stop; i++) {
            if (code_symbol(r, cumulative, CORE_RESIDUALS, place_of(out, i)) != CORE_OK) return CORE_IMPOSSIBLE_CODE;
            int32_t symbol = *place_of(out, i);
            counts[symbol] += INCREMENT; /* `cumulative` has what this batch needs */
            *distance += symbol < RESIDUAL_RADIUS ? RESIDUAL_RADIUS - symbol : symbol - RESIDUAL_RADIUS;
        }
        *number += stop - start;
    }
    return CORE_OK;
}

/* Uniform bits (spec/coder.md, "Uniform bits"): read, they are added to the numbers, which are 0 at first. */
int32_t code_uniform(coder *r, int32_t bits, symbols out) {
    while (bits > 0) {
        int32_t width = bits % 8 ? bits % 8 : 8, rest = 16 - width;
        bits -= width;
        for (int64_t i = 0; i < out.count; i++) {
            if (r->writer != NULL) {
                coder_write(r, ((*place_of(out, i) >> bits) & ((1 << width) - 1)) << rest, 1 << rest);
                continue;
            }
            int32_t place = coder_place(r);
            if (place < 0) return CORE_IMPOSSIBLE_CODE;
            coder_take(r, place >> rest << rest, 1 << rest);
            *place_of(out, i) += place >> rest << bits;
        }
    }
    return CORE_OK;
}

static void scale_counts(int64_t *counts, int32_t alphabet, int64_t number, int64_t least) {
    int64_t total = 0;
    for (int32_t s = 0; s < alphabet; s++) total += counts[s];
    for (int32_t s = 0; s < alphabet; s++) counts[s] = least + counts[s] * (number * INCREMENT) / total;
}

void inherit_adaptive(int64_t *counts, int32_t alphabet) { scale_counts(counts, alphabet, 32, 1); }

void inherit_parametric(int64_t *counts, int64_t *distance, int64_t *number) {
    scale_counts(counts, CORE_RESIDUALS, 8, 0);
    *distance = 4 * *distance / *number;
    *number = 4;
}

/* prior(W, n) of the text. */
static void make_prior(const int64_t *weights, int32_t alphabet, int64_t number, int64_t *counts) {
    int64_t total = 0;
    for (int32_t s = 0; s < alphabet; s++) total += weights[s];
    for (int32_t s = 0; s < alphabet; s++) counts[s] = 1 + weights[s] * number * INCREMENT / total;
}

/* W of spec/priors.md, "Binary partition counts". Its products of factorials are binomial coefficients in disguise: V[k] / n! = C(q + k - 1, k) C(15 - q + n - k, n - k),
   and their sum is C(n + 15, 15) (Vandermonde), so that 2^30 V stays below 2^114 for n < 256. */
static void partition_weights(int32_t points, int32_t fraction, int64_t *weights) {
    uint32_t q = 8u + (uint32_t)fraction, n = (uint32_t)points;
    wide total = 1, first = 1, second = 1;
    for (uint32_t i = 1; i <= 15; i++) total = total * (n + i) / i;
    for (uint32_t i = 1; i <= 15 - q; i++) second = second * (n + i) / i; /* C(15 - q + n, n) */
    for (uint32_t k = 0; k <= n; k++) {
        weights[k] = (int64_t)((first * second << 30) / total);
        first = first * (q + k) / (k + 1);
        if (k < n) second = second * (n - k) / (15 - q + n - k);
    }
}

void make_partition_table(int32_t points, int32_t fraction, int32_t *cumulative) {
    int64_t weights[256];
    partition_weights(points, fraction, weights);
    cumulate(weights, points + 1, cumulative);
}

static void make_angle_prior(int32_t directions, int64_t *counts) {
    int64_t weights[CORE_DIRECTIONS];
    for (int64_t i = 0; i < directions; i++) {
        int64_t d = min64(i, directions - i);
        weights[i] = ANGLE_FLOOR + (1 << 20) / (d * d + 1 + ANGLE_WIDTH / directions);
    }
    make_prior(weights, directions, 8 * directions, counts);
}

int32_t core_first_tables(const core_steps *steps, core_tables *tables) {
    int64_t weights[CORE_RESIDUALS];
    if (steps == NULL || tables == NULL || steps->log_scales < 1 || steps->log_scales > 32) return CORE_INVALID;
    memset(tables, 0, sizeof *tables);
    for (int32_t points = 2; points <= CORE_ADAPTIVE_POINTS; points++)
        for (int32_t fraction = 0; fraction < CORE_FRACTIONS; fraction++) {
            partition_weights(points, fraction, weights);
            make_prior(weights, points + 1, PARTITION_SYMBOLS, tables->partitions[points][fraction]);
        }
    for (int32_t i = 0; i < 16; i++) make_angle_prior(ANGLE_COUNTS[i], tables->angles[i]);
    for (int32_t s = 0; s < 32; s++) weights[s] = 1;
    make_prior(weights, steps->log_scales, steps->log_scales, tables->log_scales);
    for (int32_t s = 0; s < CORE_ASPECTS; s++) weights[s] = s == 0 ? 1 << 16 : weights[s - 1] * 208 >> 8;
    make_prior(weights, CORE_ASPECTS, 16, tables->aspects);
    for (int32_t c = 0; c < CORE_MAX_CHANNELS; c++) {
        tables->distance[c] = 12;
        tables->number[c] = 4;
        if (steps->chroma[c]) continue; /* a parametric model has counted nothing yet */
        residual_weights(236, weights);
        make_prior(weights, CORE_RESIDUALS, 16, tables->residuals[c]);
    }
    return CORE_OK;
}
