/* The range decoder (spec/coder.md, "Range decoder"), inlined into whatever reads symbols; and its mirror, through which the same models give the encoder
   what each symbol takes. */
#ifndef SPLATC_CORE_RANGE_H
#define SPLATC_CORE_RANGE_H

#include "internal.h"

enum { TOTAL = 1 << 16, INCREMENT = 256, FIRST_BATCH = 4 };

typedef struct writer { /* what an encoder would have written so far */
    uint64_t low;    /* of the interval, behind the words that are settled */
    int64_t words;   /* settled but for a carry */
    uint32_t last;   /* of them, with the carry */
    int64_t symbols; /* coded so far */
    double *shares;  /* (room, 3) and (room) results, where each lies in the code space: fit/pack.h; or NULL */
    int32_t *chosen;
    int64_t room;
} writer;

typedef struct coder {
    uint64_t range, offset;
    const uint8_t *bytes;
    int64_t length; /* behind it zeros follow without end */
    int64_t words;  /* read so far */
    double *bits;   /* where the ideal cost of a symbol is added, or NULL */
    const int32_t *stop; /* set by another thread: no further symbol is found; or NULL */
    writer *writer;      /* symbols are known, and go there; NULL: they are read */
} coder;

static inline uint64_t coder_word(coder *r) {
    int64_t at = 4 * r->words++;
    uint64_t word = 0;
    for (int64_t i = at; i < at + 4; i++) word = word << 8 | (i < r->length ? r->bytes[i] : 0u);
    return word;
}

static inline void coder_start(coder *r, const uint8_t *bytes, int64_t length, const int32_t *stop) {
    *r = (coder){.range = UINT64_MAX, .bytes = bytes, .length = length, .stop = stop};
    r->offset = coder_word(r) << 32;
    r->offset |= coder_word(r);
}

/* log2 of 1 .. 65536, to 1e-9: for the tally alone, nothing that is decoded depends on it */
static inline double log2_of(int32_t n) {
    int32_t exponent = 31 - __builtin_clz((unsigned)n);
    double fraction = (double)n / (double)((int64_t)1 << exponent); /* 1 .. 2 */
    double t = (fraction - 1.4142135623730951) / (fraction + 1.4142135623730951), square = t * t, sum = 0.0;
    for (int32_t k = 15; k > 0; k -= 2) sum = sum * square + 1.0 / k;
    return exponent + 0.5 + 2.0 * t * sum * 1.4426950408889634;
}

/* Where the next symbol lies in the code space of TOTAL parts, or -1 in an invalid stream, or where the job was cancelled. */
static inline int32_t coder_place(const coder *r) {
    uint64_t quantile = r->offset / (r->range >> 24);
    return quantile >> 24 || stopped(r->stop) ? -1 : (int32_t)(quantile >> 8);
}

/* Goes on behind a symbol with the share low .. low + frequency of the code space. */
static inline void coder_take(coder *r, int32_t low, int32_t frequency) {
    uint64_t scale = (r->range >> 24) << 8;
    r->offset -= scale * (uint64_t)low;
    r->range = scale * (uint64_t)frequency;
    if (r->range >> 32 == 0) {
        r->range <<= 32;
        r->offset = r->offset << 32 | coder_word(r);
    }
    if (r->bits != NULL) *r->bits += 16.0 - log2_of(frequency);
}

/* The next symbol, or -1 in an invalid stream; cumulative (alphabet + 1) is 0, f[0], f[0] + f[1], ..., TOTAL. The likely one is looked at first. */
static inline int32_t coder_likely_symbol(coder *r, const int32_t *cumulative, int32_t alphabet, int32_t likely) {
    int32_t place = coder_place(r), low = 0, high = alphabet;
    if (place < 0) return -1;
    if (cumulative[likely] > place)
        high = likely;
    else if (cumulative[likely + 1] <= place)
        low = likely + 1;
    else
        low = likely, high = likely + 1;
    while (high - low > 1) {
        int32_t middle = (low + high) >> 1;
        if (cumulative[middle] <= place)
            low = middle;
        else
            high = middle;
    }
    coder_take(r, cumulative[low], cumulative[low + 1] - cumulative[low]);
    return low;
}

static inline int32_t coder_symbol(coder *r, const int32_t *cumulative, int32_t alphabet) {
    return coder_likely_symbol(r, cumulative, alphabet, (alphabet - 1) / 2);
}

/* Notes a symbol's share of the code space as constriction takes it: three parts of 2^24 that are less by 1 each, and which of them it is. */
static inline void writer_note(writer *w, int32_t low, int32_t frequency) {
    double *shares = w->shares + 3 * w->symbols, own = 256.0 * frequency - 1.0;
    int32_t high = TOTAL - low - frequency, chosen = low == 0 ? 0 : high == 0 ? 2 : 1, rest = low + high;
    shares[0] = chosen == 0 ? own : chosen == 1 ? 256.0 * low - 1.0 : 0.0;
    shares[1] = chosen == 1 ? own : 256.0 * rest - 2.0;
    shares[2] = chosen == 2 ? own : chosen == 1 ? 256.0 * high - 1.0 : 0.0;
    w->chosen[w->symbols] = chosen;
}

/* Goes on behind a symbol that is known, as an encoder does. */
static inline void coder_write(coder *c, int32_t low, int32_t frequency) {
    writer *w = c->writer;
    uint64_t scale = (c->range >> 24) << 8, before = w->low;
    if (w->shares != NULL && w->symbols < w->room) writer_note(w, low, frequency);
    w->symbols++;
    w->low += scale * (uint64_t)low;
    w->last += w->low < before;
    c->range = scale * (uint64_t)frequency;
    if (c->range >> 32 == 0) {
        c->range <<= 32;
        w->last = (uint32_t)(w->low >> 32);
        w->low <<= 32;
        w->words++;
    }
}

/* Reads the next symbol into *value, or writes it. */
static inline int32_t code_symbol(coder *c, const int32_t *cumulative, int32_t alphabet, int32_t *value) {
    if (c->writer != NULL) {
        coder_write(c, cumulative[*value], cumulative[*value + 1] - cumulative[*value]);
        return CORE_OK;
    }
    int32_t symbol = coder_symbol(c, cumulative, alphabet);
    if (symbol < 0) return CORE_IMPOSSIBLE_CODE;
    *value = symbol;
    return CORE_OK;
}

/* 2^(eighths / 8) over 2^16, eighths clamped to 0 .. `most` */
static inline int64_t eighths_power(int32_t eighths, int32_t most) {
    int32_t k = min32(max32(eighths, 0), most);
    return STEP8[k & 7] << (k >> 3);
}

/* Of a part of a mixture: below 2^14. */
static inline int64_t weight_of(int32_t eighths) { return eighths_power(eighths, 95) >> 14; }

/* models.c: arrays of symbols, numbered by `members` (or one after the other where that is NULL), `stride` apart */
typedef struct symbols {
    int32_t *values;
    const int32_t *members;
    int64_t count, stride;
} symbols;

void cumulate(const int64_t *weights, int32_t alphabet, int32_t *cumulative);
int32_t code_adaptive(coder *r, int64_t *counts, int64_t *seen, int32_t alphabet, int32_t smooth, symbols out);
int32_t code_parametric(coder *r, int64_t *counts, int64_t *distance, int64_t *number, symbols out);
/* The table of a parametric model, for a batch. */
void make_parametric_table(const int64_t *counts, int64_t distance, int64_t number, int32_t *cumulative);
int32_t code_uniform(coder *r, int32_t bits, symbols out);
void inherit_adaptive(int64_t *counts, int32_t alphabet);
void inherit_parametric(int64_t *counts, int64_t *distance, int64_t *number);


/* section.c: whether the stream is the shortest of the numbers that stand for its symbols, zero bytes appended up to the minimum (spec/coder.md, "End";
   spec/gaussians.md). */
int32_t stream_ends_well(const coder *r, int64_t minimum);

#endif
