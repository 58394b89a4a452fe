/* One section: its stream -> symbols -> integers (spec/gaussians.md). */
#include "range.h"

typedef struct workspace {
    core_tables *tables;
    position_buffers positions;
    attribute_buffers attributes;
    search_buffers search;
    int32_t *sorted;
} workspace;

static int64_t take_workspace(uint8_t *base, int64_t own, int64_t chain, workspace *w) {
    arena a = {base, 0};
    w->tables = arena_take(&a, 1, sizeof(core_tables));
    w->attributes.members = arena_take(&a, own, sizeof(int32_t));
    w->attributes.numbers = arena_take(&a, own, sizeof(int32_t));
    int64_t kept = a.used;
    take_position_buffers(&a, own, &w->positions); /* first to read positions ... */
    int64_t reading = a.used;
    a.used = kept; /* ... then, in the same place, to predict */
    w->sorted = arena_take(&a, chain, sizeof(int32_t));
    take_search_buffers(&a, own, chain, &w->search);
    return max64(a.used, reading);
}

int64_t core_decode_workspace(int64_t own, int64_t chain) {
    workspace w;
    if (own < 0 || chain < own || chain > MAX_GAUSSIANS) return -1;
    return take_workspace(NULL, own, chain, &w);
}

/* The encoder's L is what the decoder has subtracted from the number V that it read, and of L .. L + range - 1 the encoder takes the number with the most
   zero bytes at its end. */
int32_t stream_ends_well(const coder *r, int64_t minimum) {
    int64_t size = 4 * r->words, significant = r->length;
    uint64_t last = 0, missing = 0;
    for (int64_t i = size - 8; i < size; i++) last = last << 8 | (i < r->length ? r->bytes[i] : 0u);
    uint64_t low = last - r->offset;
    for (int32_t zeros = 64; zeros >= 0; zeros -= 8) {
        missing = (0 - low) & (zeros == 64 ? UINT64_MAX : ((uint64_t)1 << zeros) - 1); /* from L to the next number with so many zero bits */
        if (missing < r->range) break;
    }
    while (significant > 0 && r->bytes[significant - 1] == 0) significant--;
    return missing == r->offset && significant <= size && r->length == max64(significant, minimum);
}

static double *tally_of(const core_decode *task, core_section *section, int32_t part) { return task->tally ? section->bits + part : NULL; }

/* Its ancestors, the earliest first. */
static int32_t ancestors_of(const core_decode *task, const core_section *section, run *chain) {
    int32_t runs = 0;
    for (int64_t at = section->parent; at >= 0; at = task->sections[at].parent) runs++;
    for (int64_t at = section->parent, k = runs; at >= 0; at = task->sections[at].parent)
        chain[--k] = (run){task->sections[at].start, task->sections[at].decoded};
    return runs;
}

/* Where models look at what lies around: the neighbours of the last of the runs, a level of which the positions are known. */
static int32_t look_around(const core_decode *task, const run *chain, int32_t runs, workspace *w) {
    run level = chain[runs - 1];
    for (int64_t i = level.start; i < level.start + level.count; i++) make_site_position(task->steps, &task->columns, i, task->sites + i);
    sort_by_code(task->sites, level.start, level.count, task->order + level.start, w->sorted);
    int32_t status = find_neighbours(task->sites, task->order, chain, runs, &w->search, task->stop);
    w->attributes.near = (surroundings){.sites = task->sites, .first = level.start, .neighbours = w->search.neighbours,
                                        .angle = task->columns.angle + level.start};
    return status;
}

/* Symbols of all levels; angles and colours as residuals, unless models look at what lies around. */
static int32_t read_symbols(const core_decode *task, core_section *section, workspace *w) {
    const core_steps *steps = task->steps;
    coder r;
    run chain[2 * CORE_MAX_LEVELS];
    int32_t runs = ancestors_of(task, section, chain);
    int64_t at = section->start;
    coder_start(&r, task->bytes + section->stream, section->length, task->stop);
    for (int64_t k = 0; k < section->levels; k++) {
        const core_level *level = task->levels + section->first_level + k;
        core_columns out = tail_of_columns(&task->columns, at, steps->channels);
        for (int64_t i = 0; i < level->count; i++) out.level[i] = level->level, out.angle[i] = out.offset[i] = 0;
        r.bits = tally_of(task, section, 0);
        int32_t status = code_positions(&r, w->tables, task->partitions, level, &w->positions, out.x, out.y);
        r.bits = tally_of(task, section, 1);
        chain[runs++] = (run){at, level->count};
        if (status == CORE_OK && steps->models) status = look_around(task, chain, runs, w);
        if (status == CORE_OK) status = code_attributes(&r, w->tables, steps, level, &w->attributes, &out);
        if (stopped(task->stop)) return CORE_CANCELLED;
        if (section->truncated && (status != CORE_OK || 4 * r.words > section->length)) break; /* what follows is not what was there */
        if (status != CORE_OK) return status;
        at += level->count;
        section->decoded = at - section->start;
    }
    return !section->truncated && section->ends && !stream_ends_well(&r, section->minimum) ? CORE_WRONG_END : CORE_OK;
}

static void make_positions(const core_decode *task, const core_section *section, workspace *w) {
    for (int64_t i = section->start; i < section->start + section->decoded; i++)
        make_site_position(task->steps, &task->columns, i, task->sites + i);
    sort_by_code(task->sites, section->start, section->decoded, task->order + section->start, w->sorted);
}

/* A section whose Gaussians are there already: what those that follow it need. */
static int32_t make_ready(const core_decode *task, const core_section *section, workspace *w) {
    for (int64_t i = section->start; i < section->start + section->decoded; i++)
        if (!in_range(task->steps, &task->columns, i)) return CORE_INVALID;
    make_positions(task, section, w);
    for (int64_t i = section->start; i < section->start + section->decoded; i++) make_site(task->steps, &task->columns, i, task->sites + i);
    return CORE_OK;
}

/* Residuals -> angles and colours. */
static int32_t add_predictions(const core_decode *task, const core_section *section, workspace *w) {
    run chain[CORE_MAX_LEVELS + 1];
    int32_t runs = ancestors_of(task, section, chain);
    chain[runs++] = (run){section->start, section->decoded};
    make_positions(task, section, w);
    if (task->steps->models) return CORE_OK; /* it was done level by level; others go on from the order of all */
    int32_t status = find_neighbours(task->sites, task->order, chain, runs, &w->search, task->stop);
    if (status != CORE_OK) return status;
    gaussian_arrays arrays = {task->columns, {task->columns.angle, task->columns.colour}, NULL}; /* in place */
    return predict(task->steps, task->sites, w->search.neighbours, section->start, section->decoded, &arrays, 0, task->stop);
}

/* Levels of a section: as many Gaussians as it has, on grids whose cells have coordinates of 30 bits. */
static int32_t levels_are_sound(const core_decode *task, const core_section *section) {
    int64_t count = 0;
    if (section->first_level < 0 || section->levels < 0 || section->levels > CORE_MAX_LEVELS ||
        section->first_level > task->level_count - section->levels)
        return 0;
    for (int64_t k = 0; k < section->levels; k++) {
        const core_level *l = task->levels + section->first_level + k;
        if (l->count < 1 || l->count > MAX_GAUSSIANS || l->level < 0 || l->level >= CORE_MAX_LEVELS) return 0;
        int64_t most = most_cells(task->steps, l->level);
        if (l->x < 0 || l->y < 0 || l->columns < 1 || l->rows < 1 || l->x > most - l->columns || l->y > most - l->rows) return 0;
        count += l->count;
    }
    return count == section->count;
}

/* Everything that this function reads or writes lies in the buffers of the task, whatever the section says. */
static int32_t is_sound(const core_decode *task, int64_t number) {
    int64_t chain = 0, number_of = number;
    if (!steps_are_sound(task->steps)) return 0;
    const core_section *section = task->sections + number;
    for (int32_t depth = 0; number_of >= 0; depth++) {
        const core_section *each = task->sections + number_of;
        if (depth == CORE_MAX_LEVELS || each->parent >= number_of || each->parent < -1) return 0;
        if (each->count < 0 || each->count > MAX_GAUSSIANS - chain || each->start < 0 || each->start > task->count - each->count) return 0;
        if (each->tables < -1 || each->tables >= task->table_count) return 0;
        if (number_of != number && (each->start + each->count > section->start || each->tables < 0)) return 0;
        if (number_of != number && (each->status != CORE_OK || each->decoded != each->count)) return 0; /* not decoded yet, or damaged, or truncated */
        chain += each->count;
        number_of = each->parent;
    }
    if (section->stream < 0 || section->length < 0 || section->stream > task->byte_count - section->length) return 0;
    if ((uintptr_t)task->workspace % 64 || task->workspace_bytes % 64) return 0;
    return task->workspace_bytes >= core_decode_workspace(section->count, chain) && (section->known || levels_are_sound(task, section));
}

static int32_t decode_section(const core_decode *task, core_section *section, int32_t worker) {
    workspace w;
    int64_t chain = 0;
    for (const core_section *each = section;; each = task->sections + each->parent) {
        chain += each->count;
        if (each->parent < 0) break;
    }
    take_workspace(task->workspace + worker * task->workspace_bytes, section->count, chain, &w);
    if (section->known) {
        section->decoded = section->count;
        return make_ready(task, section, &w);
    }
    section->decoded = 0;
    section->beyond = 0.0;
    memset(section->bits, 0, sizeof section->bits);
    if (section->tables >= 0) w.tables = task->tables + section->tables;
    memcpy(w.tables, section->parent < 0 ? task->first : task->tables + task->sections[section->parent].tables, sizeof *w.tables);
    int32_t status = read_symbols(task, section, &w);
    if (status == CORE_OK) status = add_predictions(task, section, &w);
    if (status != CORE_OK || section->margin < 0) return status;
    const double tile[4] = {(double)section->x0, (double)section->y0, (double)section->x1, (double)section->y1};
    section->beyond = beyond_tile(task->steps, tile, section->start, section->decoded, &task->columns);
    return section->beyond > (double)section->margin + 0.5 ? CORE_BEYOND_MARGIN : CORE_OK;
}

int32_t core_decode_section(const core_decode *task, int64_t number, int32_t worker) {
    if (number < 0 || number >= task->section_count || worker < 0 || worker >= task->workers) return CORE_INVALID;
    core_section *section = task->sections + number;
    return section->status = is_sound(task, number) ? decode_section(task, section, worker) : CORE_INVALID;
}
