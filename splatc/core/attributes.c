/* Log scale, aspect, orientation, sub-cell offset and colour of one level as symbols (spec/attributes.md). */
#include "range.h"

/* The same from the Gaussian `first` on. */
core_columns tail_of_columns(const core_columns *c, int64_t first, int32_t channels) {
    return (core_columns){c->level + first, c->x + first, c->y + first, c->log_scale + first, c->aspect + first, c->angle + first, c->offset + first,
                          c->colour + first * channels};
}

static int32_t code_log_scales(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, attribute_buffers *b,
                               const core_columns *out) {
    int64_t seen = 0;
    (void)level, (void)b;
    return code_adaptive(r, tables->log_scales, &seen, steps->log_scales, 0, (symbols){out->log_scale, NULL, count, 1});
}

static int32_t code_aspects(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, attribute_buffers *b,
                            const core_columns *out) {
    int64_t seen = 0;
    (void)steps, (void)level, (void)b;
    return code_adaptive(r, tables->aspects, &seen, CORE_ASPECTS, 0, (symbols){out->aspect, NULL, count, 1});
}

/* The Gaussians of a level of which `of_aspect` says `wanted`. */
static int64_t members_with(const int32_t *of_aspect, int32_t wanted, const int32_t *aspect, int64_t count, int32_t *members) {
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++)
        if (of_aspect[aspect[i]] == wanted) members[found++] = (int32_t)i;
    return found;
}

static int32_t code_angles(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, attribute_buffers *b,
                           const core_columns *out) {
    if (steps->models & CORE_MODEL_DIRECTIONS) return code_directions(r, tables, steps, level, count, &b->near, out);
    for (int32_t index = 1; index < 16; index++) {
        int64_t found = members_with(steps->directions[level], ANGLE_COUNTS[index], out->aspect, count, b->members);
        if (found == 0) continue;
        symbols group = {out->angle, b->members, found, 1};
        int32_t status = code_adaptive(r, tables->angles[index], &tables->angles_seen[index], ANGLE_COUNTS[index], 0, group);
        if (status != CORE_OK) return status;
    }
    if (steps->models != 0 && r->writer == NULL) predict_angles(steps, &b->near, count, out);
    return CORE_OK;
}

/* What the lines along a Gaussian cut off of its cell before the slice `s` of F, over 2^16 (spec/draft.md, "Sub-cell offsets"): a corner that they cut off is a
   triangle, and `lean` is the lesser of the sine and the cosine by the greater. y is 2^16 at most. */
static int64_t area_before(int32_t s, int32_t offsets, int64_t lean) {
    int64_t y = min32(s, offsets - s) * (TOTAL + lean) / offsets;
    int64_t area = y == 0 ? 0 : y <= lean ? quotient(y * y, 2 * lean) : y - (lean >> 1);
    return 2 * s <= offsets ? area : TOTAL - area;
}

/* 2^16 at most: the tangent, but for 1 in 100; below 2^39 before it is divided. */
static int64_t lean_of(int32_t angle, int32_t directions) {
    int64_t turned = angle * (768 / directions) % 384, j = min64(turned, 384 - turned);
    return (51472 * 36864 * j + 14064 * j * j * j) / 7077888;
}

static int32_t code_slices(coder *r, const core_steps *steps, int32_t level, int64_t count, const attribute_buffers *b, const core_columns *out) {
    int32_t cumulative[25];
    for (int64_t i = 0; i < count; i++) {
        int32_t offsets = steps->offsets[out->aspect[i]], directions = steps->directions[level][out->aspect[i]];
        if (offsets == 1) continue;
        int64_t lean = lean_of(b->near.angle[i], directions);
        for (int32_t s = 0; s <= offsets; s++) cumulative[s] = s + (int32_t)(area_before(s, offsets, lean) * (TOTAL - offsets) >> 16);
        int32_t status = code_symbol(r, cumulative, offsets, out->offset + i);
        if (status != CORE_OK) return status;
    }
    return CORE_OK;
}

static int32_t code_offsets(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, attribute_buffers *b,
                            const core_columns *out) {
    int64_t weights[24];
    int32_t cumulative[25];
    (void)tables;
    if (steps->models & CORE_MODEL_AREAS) return code_slices(r, steps, level, count, b, out);
    for (int32_t s = 0; s < 24; s++) weights[s] = 1;
    for (int32_t index = 1; index < 9; index++) {
        int64_t found = members_with(steps->offsets, OFFSET_COUNTS[index], out->aspect, count, b->members);
        if (found) cumulate(weights, OFFSET_COUNTS[index], cumulative);
        for (int64_t i = 0; i < found; i++) {
            int32_t status = code_symbol(r, cumulative, OFFSET_COUNTS[index], out->offset + b->members[i]);
            if (status != CORE_OK) return status;
        }
    }
    return CORE_OK;
}

/* The encoder's residuals of one channel -> symbols, and what follows an escape: `b->numbers`, one behind the other. */
static void escape_residuals(int32_t *residual, int64_t stride, int64_t count, attribute_buffers *b) {
    int64_t escaped = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t value = residual[i * stride];
        if (value >= -RESIDUAL_RADIUS && value <= RESIDUAL_RADIUS) {
            residual[i * stride] = value + RESIDUAL_RADIUS;
            continue;
        }
        b->numbers[escaped++] = (int32_t)((uint32_t)value << 1) ^ -(value < 0); /* 0, -1, 1, -2, ... -> 0, 1, 2, 3, ... */
        residual[i * stride] = ESCAPE;
    }
}

/* Symbols of one channel -> residuals; those with an escape follow as 16 uniform bits. `residual` (count), `stride` apart. */
static int32_t code_escaped(coder *r, int32_t *residual, int64_t stride, int64_t count, attribute_buffers *b) {
    int64_t escaped = 0;
    for (int64_t i = 0; i < count; i++) {
        if (residual[i * stride] == ESCAPE) b->members[escaped++] = (int32_t)i;
        residual[i * stride] -= RESIDUAL_RADIUS;
    }
    for (int64_t i = 0; i < escaped && r->writer == NULL; i++) b->numbers[i] = 0;
    int32_t status = code_uniform(r, 16, (symbols){b->numbers, NULL, escaped, 1});
    if (status != CORE_OK) return status;
    for (int64_t i = 0; i < escaped; i++) {
        int32_t value = (b->numbers[i] >> 1) ^ -(b->numbers[i] & 1); /* 0, 1, 2, 3, ... -> 0, -1, 1, -2, ... */
        if (value >= -RESIDUAL_RADIUS && value <= RESIDUAL_RADIUS) return CORE_NEEDLESS_ESCAPE;
        residual[b->members[i] * stride] = value;
    }
    return CORE_OK;
}

static int32_t code_channel(coder *r, core_tables *tables, const core_steps *steps, int32_t c, int64_t count, attribute_buffers *b,
                            const core_columns *out) {
    int64_t seen = 0;
    symbols channel = {out->colour + c, NULL, count, steps->channels};
    if (r->writer != NULL) escape_residuals(out->colour + c, steps->channels, count, b);
    int32_t status = steps->chroma[c] ? code_parametric(r, tables->residuals[c], &tables->distance[c], &tables->number[c], channel)
                                      : code_adaptive(r, tables->residuals[c], &seen, CORE_RESIDUALS, 1, channel);
    return status == CORE_OK ? code_escaped(r, out->colour + c, steps->channels, count, b) : status;
}

/* Residuals of U and V that are known, one Gaussian after the other. */
static int32_t write_chroma(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, const surroundings *near,
                            const core_columns *out) {
    chroma_batches batches = {0};
    for (int64_t i = 0; i < count; i++)
        for (int32_t c = 1; c < 3; c++) {
            int32_t *residual = out->colour + i * steps->channels;
            uint32_t index = (uint32_t)near->colour[i * steps->channels + c] - (uint32_t)residual[c]; /* modulo 2^16 what was predicted */
            chroma_place place = {.sites = near->sites, .near = near->around + i * CORE_AROUND + CORE_ANCHORS + 1, .before = residual,
                                  .step = steps->colour[level][c], .prediction = (int16_t)index, .channel = c, .level = level};
            int32_t status = code_chroma(r, tables, &batches, &place, residual + c);
            if (status != CORE_OK) return status;
        }
    return CORE_OK;
}

/* In the order of the channels; where models know what lies around U and V, after the others, of one Gaussian after the other. */
static int32_t code_colours(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, attribute_buffers *b,
                            const core_columns *out) {
    double *bits = r->bits; /* of luma; chroma and alpha follow */
    chroma_batches batches = {0};
    chroma_reader reader = {r, tables, &batches};
    int32_t around = (steps->models & CORE_MODEL_CHROMA) && steps->channels > 2;
    for (int32_t c = 0; c < steps->channels; c++) {
        int32_t alpha = (steps->channels == 2 || steps->channels == 4) && c == steps->channels - 1;
        if (around && steps->chroma[c]) continue;
        if (bits != NULL) r->bits = bits + (steps->chroma[c] ? 1 : alpha ? 2 : 0);
        int32_t status = code_channel(r, tables, steps, c, count, b, out);
        if (status != CORE_OK) return status;
    }
    if (bits != NULL) r->bits = bits + 1;
    if (r->writer == NULL && steps->models) return predict_colours(steps, &b->near, count, out, around ? &reader : NULL, r->stop);
    return around ? write_chroma(r, tables, steps, level, count, &b->near, out) : CORE_OK;
}

/* Context inheritance: tables that each level has of its own start from those of the level before. */
static void inherit_log_scales(core_tables *tables, const core_steps *steps) { inherit_adaptive(tables->log_scales, steps->log_scales); }

static void inherit_aspects(core_tables *tables, const core_steps *steps) {
    (void)steps;
    inherit_adaptive(tables->aspects, CORE_ASPECTS);
}

static void inherit_colours(core_tables *tables, const core_steps *steps) {
    for (int32_t c = 0; c < steps->channels; c++)
        if (steps->chroma[c])
            inherit_parametric(tables->residuals[c], &tables->distance[c], &tables->number[c]);
        else
            inherit_adaptive(tables->residuals[c], CORE_RESIDUALS);
}

/* What follows the positions in a stream, in its order: the rows of splatc/attributes.py, which a test compares with these. */
static const struct attribute {
    const char *name;
    int32_t parts; /* of the tally of bits */
    int32_t (*code)(coder *r, core_tables *tables, const core_steps *steps, int32_t level, int64_t count, attribute_buffers *b,
                    const core_columns *out);
    void (*inherit)(core_tables *tables, const core_steps *steps); /* NULL where its tables serve all levels */
} ATTRIBUTES[] = {
    {"log_scale", 1, code_log_scales, inherit_log_scales},
    {"aspect", 1, code_aspects, inherit_aspects},
    {"angle", 1, code_angles, NULL},
    {"offset", 1, code_offsets, NULL},
    {"colour", 3, code_colours, inherit_colours},
};

enum { ATTRIBUTE_COUNT = sizeof ATTRIBUTES / sizeof *ATTRIBUTES };

const char *core_attribute(int32_t number) { return number < 0 || number >= ATTRIBUTE_COUNT ? NULL : ATTRIBUTES[number].name; }

/* Fills in the attributes of one level, or writes them; what is predicted as residuals. `r->bits`, if any, stands at that of the first. */
int32_t code_attributes(coder *r, core_tables *tables, const core_steps *steps, const core_level *level, attribute_buffers *b,
                        const core_columns *out) {
    double *bits = r->bits;
    for (int32_t k = 0; k < ATTRIBUTE_COUNT && tables->inherits; k++)
        if (ATTRIBUTES[k].inherit != NULL) ATTRIBUTES[k].inherit(tables, steps);
    tables->inherits = 1;
    for (int32_t k = 0; k < ATTRIBUTE_COUNT; k++) {
        r->bits = bits;
        int32_t status = ATTRIBUTES[k].code(r, tables, steps, level->level, level->count, b, out);
        if (status != CORE_OK) return status;
        if (bits != NULL) bits += ATTRIBUTES[k].parts;
    }
    return CORE_OK;
}
