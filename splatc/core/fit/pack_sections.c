/* Sections in coding order -> residuals -> what their symbols take: the mirror of section.c, with the same models. */
#include "pack.h"
#include "pack_search.h"
#include "range.h"

/* Of a section, its search; the leaves behind it. */
static int64_t take_search(uint8_t *base, int64_t chain, search_buffers *buffers, int32_t **leaves) {
    arena a = {base, 0};
    take_search_buffers(&a, 0, chain, buffers);
    *leaves = arena_take(&a, search_points(chain), 3 * sizeof(int32_t));
    return a.used;
}

int64_t core_pack_search(int64_t chain) {
    search_buffers buffers;
    int32_t *leaves;
    return chain < 0 || chain > MAX_GAUSSIANS ? -1 : take_search(NULL, chain, &buffers, &leaves);
}

typedef struct workspace {
    core_tables *tables;
    position_buffers positions;
    attribute_buffers attributes;
} workspace;

static int64_t take_workspace(uint8_t *base, int64_t own, workspace *w) {
    arena a = {base, 0};
    w->tables = arena_take(&a, 1, sizeof(core_tables));
    take_position_buffers(&a, max64(own, 1), &w->positions);
    w->attributes.members = arena_take(&a, own, sizeof(int32_t));
    w->attributes.numbers = arena_take(&a, own, sizeof(int32_t));
    return a.used;
}

int64_t core_pack_workspace(int64_t own) {
    workspace w;
    return own < 0 || own > MAX_GAUSSIANS ? -1 : take_workspace(NULL, own, &w);
}

/* ---- Arguments ---- */

/* Everything that is read or written of a section lies in the buffers of the task. */
static int32_t section_is_sound(const core_pack *t, int64_t number) {
    int64_t chain = 0;
    const core_pack_section *section = t->sections + number;
    for (int64_t at = number, depth = 0; at >= 0; at = t->sections[at].parent, depth++) {
        const core_pack_section *each = t->sections + at;
        if (depth == CORE_MAX_LEVELS || each->parent >= at || each->parent < -1) return 0;
        if (each->count < 0 || each->count > MAX_GAUSSIANS - chain || each->start < 0 || each->start > t->count - each->count) return 0;
        if (at != number && each->start + each->count > section->start) return 0;
        chain += each->count;
    }
    return chain == section->chain;
}

/* Of a section that is sound: its search. */
static int32_t search_is_sound(const core_pack *t, const core_pack_section *s) {
    int64_t needed = core_pack_search(s->chain);
    return s->search >= 0 && s->search % 64 == 0 && (uintptr_t)t->searches % 64 == 0 && s->search <= t->search_bytes - needed;
}

static int32_t levels_are_sound(const core_pack *t, const core_pack_section *s) {
    const core_columns *g = &t->columns;
    int64_t at = s->start, count = 0;
    if (s->first_level < 0 || s->levels < 0 || s->levels > CORE_MAX_LEVELS || s->first_level > t->level_count - s->levels) return 0;
    for (int64_t k = 0; k < s->levels; k++) {
        const core_level *l = t->levels + s->first_level + k;
        if (l->count < 1 || l->count > s->count - count || l->level < 0 || l->level >= CORE_MAX_LEVELS || l->x < 0 || l->y < 0) return 0;
        if (l->columns > MAX_POSITION_CELLS || l->rows > MAX_POSITION_CELLS) return 0; /* and one at least: its Gaussians lie there */
        for (int64_t end = at + l->count; at < end; at++) {
            if (g->level[at] != l->level || g->x[at] < l->x || g->y[at] < l->y) return 0;
            if (g->x[at] - l->x >= l->columns || g->y[at] - l->y >= l->rows) return 0;
            if (g->offset[at] < 0 || g->offset[at] >= t->steps->offsets[g->aspect[at]]) return 0;
        }
        count += l->count;
    }
    return count >= s->count; /* no Gaussian is left over */
}

static int32_t tables_are_sound(const core_pack *t, const core_pack_section *s) {
    if (s->tables < -1 || s->tables >= t->table_count) return 0;
    if (s->parent < 0) return 1;
    int64_t inherited = t->sections[s->parent].tables;
    return inherited >= 0 && inherited < t->table_count;
}

/* ---- Prediction ---- */

static int32_t make_sites(const core_pack *t, int64_t number) {
    const core_pack_section *s = t->sections + number;
    search_buffers buffers;
    int32_t *leaves;
    if (!section_is_sound(t, number) || !search_is_sound(t, s)) return CORE_INVALID;
    take_search(t->searches + s->search, s->chain, &buffers, &leaves);
    for (int64_t i = s->start; i < s->start + s->count; i++) {
        if (!in_range(t->steps, &t->columns, i)) return CORE_INVALID;
        make_site_position(t->steps, &t->columns, i, t->sites + i);
        make_site(t->steps, &t->columns, i, t->sites + i);
    }
    sort_by_code(t->sites, s->start, s->count, t->order + s->start, buffers.merged);
    return CORE_OK;
}

/* The search of a section: made now, or as it was made. */
static int32_t search_of(const core_pack *t, int64_t number, int32_t made, search_buffers *buffers, places *result) {
    const core_pack_section *s = t->sections + number;
    run chain[CORE_MAX_LEVELS];
    int32_t runs = CORE_MAX_LEVELS, *leaves;
    if (!section_is_sound(t, number) || !search_is_sound(t, s)) return CORE_INVALID;
    take_search(t->searches + s->search, s->chain, buffers, &leaves);
    for (const core_pack_section *each = s;; each = t->sections + each->parent) {
        chain[--runs] = (run){each->start, each->count};
        if (each->parent < 0) break;
    }
    result->steps = t->steps;
    result->leaves = leaves;
    result->search = made ? made_search(t->sites, chain + runs, CORE_MAX_LEVELS - runs, buffers)
                          : make_search(t->sites, t->order, chain + runs, CORE_MAX_LEVELS - runs, buffers);
    if (made) return CORE_OK;
    for (int64_t i = 0; i < search_points(s->chain); i++) {
        int32_t *leaf = leaves + i / 8 * 24 + i % 8;
        leaf[0] = buffers->points[i].x, leaf[8] = buffers->points[i].y, leaf[16] = buffers->points[i].index;
    }
    return CORE_OK;
}

static int32_t predict_chunk(const core_pack *t, const core_chunk *chunk) {
    gaussian_arrays arrays = {t->columns, t->residual, t->around};
    search_buffers buffers;
    places section = {.arrays = &arrays};
    if (chunk->section < 0 || chunk->section >= t->section_count) return CORE_INVALID;
    if (search_of(t, chunk->section, 1, &buffers, &section) != CORE_OK) return CORE_INVALID;
    if (chunk->first < 0 || chunk->last > section.search.count) return CORE_INVALID;
    predict_places(&section, chunk->first, chunk->last);
    return CORE_OK;
}

int32_t core_predict_item(const core_pack *t, int64_t item) {
    search_buffers buffers;
    places section;
    if (t == NULL || !steps_are_sound(t->steps) || (t->steps->models && t->around == NULL) || item < 0 || item >= 2 * t->section_count + t->chunk_count) return CORE_INVALID;
    if (item < t->section_count) return make_sites(t, item);
    if (item >= 2 * t->section_count) return predict_chunk(t, t->chunks + item - 2 * t->section_count);
    return search_of(t, item - t->section_count, 0, &buffers, &section);
}

/* ---- Symbols ---- */

/* Bytes of the shortest stream that stands for a number of the last interval (spec/coder.md, "End"). */
static int64_t stream_bytes(const coder *c, int64_t minimum) {
    const writer *w = c->writer;
    uint64_t missing = 0;
    for (int32_t zeros = 64; zeros >= 0; zeros -= 8) {
        missing = (0 - w->low) & (zeros == 64 ? UINT64_MAX : ((uint64_t)1 << zeros) - 1); /* to the next number with so many zero bits */
        if (missing < c->range) break;
    }
    uint64_t tail = w->low + missing;
    int64_t bytes = 4 * w->words;
    uint32_t last = w->last + (tail < w->low);
    if (tail != 0)
        bytes += 8 - __builtin_ctzll(tail) / 8;
    else if (bytes != 0)
        bytes -= last == 0 ? 4 : __builtin_ctz(last) / 8; /* the word before may end with zeros as well: once in 2^32 */
    return max64(bytes, minimum);
}

static int32_t task_is_sound(const core_pack *t, int64_t number, int32_t worker) {
    workspace w;
    if (t == NULL || !steps_are_sound(t->steps) || (t->steps->models && t->around == NULL) || number < 0 || number >= t->section_count || worker < 0 || worker >= t->workers) return 0;
    const core_pack_section *s = t->sections + number;
    if (!section_is_sound(t, number) || !tables_are_sound(t, s) || !levels_are_sound(t, s)) return 0;
    if ((uintptr_t)t->workspace % 64 || t->workspace_bytes % 64 || t->workspace_bytes < take_workspace(NULL, s->count, &w)) return 0;
    return t->shares == NULL || (s->first_symbol >= 0 && s->symbols >= 0 && s->first_symbol <= t->symbol_room - s->symbols);
}

/* The symbols of all levels; the residuals are changed on the way, and changed back. */
static int32_t write_symbols(const core_pack *t, const core_pack_section *s, coder *c, workspace *w) {
    core_columns coded = t->columns;
    int64_t at = s->start;
    coded.colour = t->residual.colour;
    if (!(t->steps->models & CORE_MODEL_DIRECTIONS)) coded.angle = t->residual.angle;
    for (int64_t k = 0; k < s->levels; k++) {
        const core_level *level = t->levels + s->first_level + k;
        core_columns out = tail_of_columns(&coded, at, t->steps->channels);
        int32_t status = code_positions(c, w->tables, t->partitions, level, &w->positions, out.x, out.y);
        if (t->steps->models)
            w->attributes.near = (surroundings){.sites = t->sites, .first = at, .around = t->around + at * CORE_AROUND,
                                                .angle = t->columns.angle + at, .colour = t->columns.colour + at * t->steps->channels};
        if (status == CORE_OK) status = code_attributes(c, w->tables, t->steps, level, &w->attributes, &out);
        if (status != CORE_OK) return status;
        at += level->count;
    }
    return CORE_OK;
}

int32_t core_pack_section_of(const core_pack *t, int64_t number, int32_t worker) {
    workspace w;
    if (!task_is_sound(t, number, worker)) return CORE_INVALID;
    core_pack_section *s = t->sections + number;
    take_workspace(t->workspace + worker * t->workspace_bytes, s->count, &w);
    if (s->tables >= 0) w.tables = t->tables + s->tables;
    memcpy(w.tables, s->parent < 0 ? t->first : t->tables + t->sections[s->parent].tables, sizeof *w.tables);
    writer out = {.room = s->symbols};
    if (t->shares != NULL) out.shares = t->shares + 3 * s->first_symbol, out.chosen = t->chosen + s->first_symbol;
    coder c = {.range = UINT64_MAX, .writer = &out};
    int32_t status = write_symbols(t, s, &c, &w);
    if (status != CORE_OK || (t->shares != NULL && out.symbols != s->symbols)) return CORE_INVALID;
    s->symbols = out.symbols;
    s->length = stream_bytes(&c, s->minimum);
    if (s->x0 >= s->x1) return CORE_OK;
    const double tile[4] = {(double)s->x0, (double)s->y0, (double)s->x1, (double)s->y1};
    s->beyond = beyond_tile(t->steps, tile, s->start, s->count, &t->columns);
    return CORE_OK;
}
