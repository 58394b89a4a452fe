/* Sections: a header, up to six sections with ancestors, levels and streams, each of its numbers possibly wrong. Whatever they are, nothing is
   read or written outside of the buffers; and what is decoded does not depend on what memory held before, on the worker, on whether
   ancestors are decoded or known, nor on the number of threads. Gaussians are in range, and the encoder's predictions end in the same sites. */
#include "fuzz.h"

enum { MOST_SECTIONS = 6, MOST_LEVELS = 4, MOST_POINTS = 1500, WORKERS = 3 };

typedef struct file {
    core_steps steps;
    core_tables first;
    core_section sections[MOST_SECTIONS];
    core_level levels[MOST_SECTIONS * MOST_LEVELS];
    int64_t count, section_count, level_count, workspace_bytes;
    const uint8_t *bytes;
    int64_t byte_count;
    int32_t lies;
} file;

typedef struct run_of { /* a decoder's memory */
    core_decode task;
    core_section sections[MOST_SECTIONS];
    core_job job;
} run_of;

static core_partitions partitions; /* shared by all runs, as in the product */

static void take_sections(input *in, file *f) {
    int64_t stream = 0;
    f->section_count = 1 + take8(in) % MOST_SECTIONS;
    for (int64_t k = 0; k < f->section_count; k++) {
        core_section *s = f->sections + k;
        int32_t flags;
        memset(s, 0, sizeof *s);
        s->parent = take8(in) % (k + 1) - 1;
        flags = take8(in);
        s->tables = flags & 1 ? k : -1;
        s->truncated = flags >> 1 & 1, s->ends = flags >> 2 & 1, s->margin = flags & 8 ? take16(in) : -1;
        s->minimum = flags & 16 ? take8(in) : 0;
        s->first_level = f->level_count;
        s->levels = take8(in) % (MOST_LEVELS + 1);
        s->start = f->count;
        s->stream = stream;
        s->length = (int64_t)take(in, 2);
        stream += s->length;
        s->x0 = take32(in), s->y0 = take32(in), s->x1 = take32(in), s->y1 = take32(in);
        for (int64_t i = 0; i < s->levels; i++) {
            core_level *l = f->levels + f->level_count++;
            *l = (core_level){.count = 1 + take16(in) % 512, .level = take8(in) & 15};
            l->count = l->count < 1 ? 1 - l->count : l->count;
            l->x = take32(in), l->y = take32(in), l->columns = take32(in), l->rows = take32(in);
            s->count += l->count;
        }
        f->count += s->count;
    }
}

/* Some number of a section or a level becomes another. */
static void take_lie(input *in, file *f) {
    int32_t which = take8(in), at = take8(in), field = take8(in), value = take8(in);
    if (which % 4 == 1) {
        int64_t *fields = &f->sections[at % f->section_count].start;
        fields[field % 14] = odd_number(value);
    } else if (which % 4 == 2 && f->level_count > 0) {
        int32_t *fields = &f->levels[at % f->level_count].level;
        fields[field % 5] = (int32_t)odd_number(value);
    } else if (which % 4 == 3 && f->level_count > 0) {
        f->levels[at % f->level_count].count = odd_number(value);
    }
    f->lies = which % 4 != 0;
}

/* What core.h asks of callers, and the core cannot check: sections do not overlap, nor are two tables kept in one place. */
static int32_t is_disjoint(const file *f) {
    for (int64_t i = 0; i < f->section_count; i++)
        for (int64_t k = 0; k < i; k++) {
            const core_section *a = f->sections + i, *b = f->sections + k;
            if (a->tables >= 0 && a->tables == b->tables) return 0;
            if (a->count < 0 || b->count < 0 || a->count > f->count || b->count > f->count) continue; /* refused */
            if (a->start < 0 || b->start < 0 || a->start > f->count || b->start > f->count) continue;
            if (a->start < b->start + b->count && b->start < a->start + a->count) return 0;
        }
    return 1;
}

static void begin(run_of *r, const file *f, int32_t state) {
    int64_t n = f->count;
    memcpy(r->sections, f->sections, sizeof r->sections);
    r->job = (core_job){.kind = CORE_JOB_DECODE, .workers = WORKERS, .task = &r->task};
    r->task = (core_decode){
        .steps = &f->steps, .bytes = f->bytes, .byte_count = f->byte_count, .sections = r->sections, .section_count = f->section_count,
        .levels = f->levels, .level_count = f->level_count, .first = &f->first, .table_count = f->section_count, .partitions = &partitions, .count = n,
        .workers = WORKERS, .workspace_bytes = f->workspace_bytes, .stop = &r->job.stop, .tally = state & 1,
    };
    int32_t **columns[7] = {&r->task.columns.level, &r->task.columns.x, &r->task.columns.y, &r->task.columns.log_scale, &r->task.columns.aspect, &r->task.columns.angle, &r->task.columns.offset};
    for (int32_t i = 0; i < 7; i++) *columns[i] = room(n, sizeof(int32_t), state);
    r->task.columns.colour = room(n * f->steps.channels, sizeof(int32_t), state);
    r->task.sites = room(n, sizeof(core_site), state);
    r->task.order = room(n, sizeof(int32_t), state);
    r->task.tables = room(f->section_count, sizeof(core_tables), state);
    r->task.workspace = workspace_of(WORKERS * f->workspace_bytes, state);
}

static void end(run_of *r) {
    void *parts[12] = {r->task.columns.level, r->task.columns.x, r->task.columns.y, r->task.columns.log_scale, r->task.columns.aspect, r->task.columns.angle, r->task.columns.offset, r->task.columns.colour,
                       r->task.sites, r->task.order, r->task.tables, r->task.workspace};
    for (int32_t i = 0; i < 12; i++) free(parts[i]);
}

static int32_t depth_of(const core_section *sections, int64_t k) {
    int32_t depth = 0;
    for (; k >= 0 && depth < 20; depth++) {
        if (sections[k].parent >= k || sections[k].parent < -1) return 19; /* a wrong parent */
        k = sections[k].parent;
    }
    return depth;
}

/* One generation of sections after the other, those of each on the pool. */
static void decode_with_threads(run_of *r) {
    int32_t list[MOST_SECTIONS];
    for (int32_t depth = 1; depth < 20; depth++) {
        int64_t items = 0;
        for (int64_t k = 0; k < r->task.section_count; k++)
            if (depth_of(r->sections, k) == depth) list[items++] = (int32_t)k;
        r->job.items = items, r->job.list = list;
        if (items == 0) continue;
        MUST(core_start(&r->job) == CORE_OK);
        while (core_wait(&r->job, 1000) == CORE_RUNNING) continue;
    }
}

static void compare(const file *f, const run_of *a, const run_of *b, int64_t k) {
    const core_section *s = a->sections + k, *t = b->sections + k;
    MUST(s->status == t->status);
    if (s->status != CORE_OK) return;
    MUST(s->decoded == t->decoded && memcmp(&s->beyond, &t->beyond, sizeof s->beyond) == 0);
    const int32_t *ours[7] = {a->task.columns.level, a->task.columns.x, a->task.columns.y, a->task.columns.log_scale, a->task.columns.aspect, a->task.columns.angle, a->task.columns.offset};
    const int32_t *theirs[7] = {b->task.columns.level, b->task.columns.x, b->task.columns.y, b->task.columns.log_scale, b->task.columns.aspect, b->task.columns.angle, b->task.columns.offset};
    size_t bytes = (size_t)s->decoded * sizeof(int32_t), channels = (size_t)f->steps.channels;
    for (int32_t i = 0; i < 7; i++) MUST(memcmp(ours[i] + s->start, theirs[i] + s->start, bytes) == 0);
    MUST(memcmp(a->task.columns.colour + s->start * f->steps.channels, b->task.columns.colour + s->start * f->steps.channels, channels * bytes) == 0);
    if (s->tables >= 0 && !s->known && !t->known) MUST(memcmp(a->task.tables + s->tables, b->task.tables + s->tables, sizeof(core_tables)) == 0);
}

static void check_ranges(const file *f, const run_of *r, int64_t k) {
    const core_section *s = r->sections + k;
    const core_decode *t = &r->task;
    for (int64_t i = s->start; i < s->start + s->decoded; i++) {
        MUST(in_range(&f->steps, &t->columns, i));
        MUST(t->columns.offset[i] >= 0 && t->columns.offset[i] < f->steps.offsets[t->columns.aspect[i]]);
    }
    float *values = room(s->decoded * (5 + f->steps.channels), sizeof(float), 0xa5);
    int64_t n = s->decoded, at = s->start;
    core_columns own = tail_of_columns(&t->columns, at, f->steps.channels);
    core_gaussians floats = {values, values + 2 * n, values + 4 * n, values + 5 * n};
    MUST(core_dequantize(&f->steps, n, &own, &floats) == CORE_OK);
    for (int64_t i = 0; i < n * (5 + f->steps.channels); i++) MUST(values[i] - values[i] == 0.0f);
    for (int64_t i = 2 * n; i < 4 * n; i++) MUST(values[i] > 0.03f && values[i] < 300000.0f);
    free(values);
}

/* A section without ancestors: the encoder, which predicts from the values, knows the same of each Gaussian. */
static void check_encoder(const file *f, const run_of *r, int64_t k) {
    const core_section *s = r->sections + k;
    const core_decode *t = &r->task;
    int64_t at = s->start, n = s->decoded, size = rounded_up(core_decode_workspace(n, n));
    core_predict task = {.steps = &f->steps, .columns = tail_of_columns(&t->columns, at, f->steps.channels), .count = n};
    task.residual.angle = room(n, sizeof(int32_t), 0x5a);
    task.residual.colour = room(n * f->steps.channels, sizeof(int32_t), 0x5a);
    task.sites = room(n, sizeof(core_site), 0x5a);
    task.workspace = workspace_of(size, 0x5a), task.workspace_bytes = size;
    MUST(core_make_residuals(&task) == CORE_OK);
    for (int64_t i = 0; i < n; i++) {
        const core_site *a = task.sites + i, *b = t->sites + at + i;
        MUST(a->code == b->code && a->x == b->x && a->y == b->y && a->xx == b->xx && a->xy == b->xy && a->yy == b->yy);
        MUST(a->directions == b->directions && a->angle == b->angle);
        for (int32_t c = 0; c < f->steps.channels; c++) MUST(a->value[c] == b->value[c]);
    }
    free(task.residual.angle), free(task.residual.colour), free(task.sites), free(task.workspace);
}

/* The same once more with the sections that others go on from marked as known. */
static void check_known(const file *f, const run_of *first) {
    run_of *again = room(1, sizeof(run_of), 0);
    begin(again, f, 0x33);
    const core_decode *a = &first->task, *b = &again->task;
    for (int64_t k = 0; k < f->section_count; k++) {
        const core_section *s = first->sections + k;
        if (s->status == CORE_OK && s->tables >= 0 && s->decoded == s->count) {
            size_t bytes = (size_t)s->count * sizeof(int32_t), channels = (size_t)f->steps.channels;
            const int32_t *from[7] = {a->columns.level, a->columns.x, a->columns.y, a->columns.log_scale, a->columns.aspect, a->columns.angle,
                                      a->columns.offset};
            int32_t *to[7] = {b->columns.level, b->columns.x, b->columns.y, b->columns.log_scale, b->columns.aspect, b->columns.angle, b->columns.offset};
            for (int32_t i = 0; i < 7; i++) memcpy(to[i] + s->start, from[i] + s->start, bytes);
            memcpy(b->columns.colour + s->start * f->steps.channels, a->columns.colour + s->start * f->steps.channels, channels * bytes);
            memcpy(b->tables + s->tables, a->tables + s->tables, sizeof(core_tables));
            again->sections[k].known = 1;
        }
        int32_t status = core_decode_section(b, k, 2);
        MUST(status == first->sections[k].status);
        again->sections[k].beyond = s->beyond;
        compare(f, first, again, k);
    }
    end(again);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    file *f = calloc(1, sizeof *f);
    run_of *one = calloc(1, sizeof *one), *many = calloc(1, sizeof *many);
    if (take_steps(&in, &f->steps) != CORE_OK) goto done;
    MUST(core_first_tables(&f->steps, &f->first) == CORE_OK);
    take_sections(&in, f);
    f->workspace_bytes = rounded_up(core_decode_workspace(f->count, f->count));
    take_lie(&in, f);
    if (f->count > MOST_POINTS || !is_disjoint(f)) goto done;
    f->byte_count = in.end - in.at;
    uint8_t *bytes = room(f->byte_count, 1, 0); /* a copy of its own, with guards */
    memcpy(bytes, in.at, (size_t)f->byte_count);
    f->bytes = bytes;
    for (int64_t k = 0; k < f->section_count && !f->lies; k++) { /* streams end where the input does */
        core_section *s = f->sections + k;
        s->stream = min64(s->stream, f->byte_count);
        s->length = min64(s->length, f->byte_count - s->stream);
    }
    begin(one, f, 0xa5);
    for (int64_t k = 0; k < f->section_count; k++) core_decode_section(&one->task, k, 0);
    MUST(core_decode_section(&one->task, f->section_count, 0) == CORE_INVALID && core_decode_section(&one->task, -1, 0) == CORE_INVALID);
    MUST(core_decode_section(&one->task, 0, WORKERS) == CORE_INVALID && core_decode_section(&one->task, 0, -1) == CORE_INVALID);
    for (int64_t k = 0; k < f->section_count; k++) one->sections[k].status = CORE_OK, one->sections[k].decoded = 0;
    for (int64_t k = 0; k < f->section_count; k++) core_decode_section(&one->task, k, 0);
    begin(many, f, 0x5c);
    if (size % 8 == 0) /* threads take longer to wake than small sections to decode */
        decode_with_threads(many);
    else
        for (int64_t k = 0; k < f->section_count; k++) core_decode_section(&many->task, k, 1);
    for (int64_t k = 0; k < f->section_count; k++) {
        compare(f, one, many, k);
        if (one->sections[k].status != CORE_OK) continue;
        check_ranges(f, one, k);
        if (one->sections[k].parent < 0) check_encoder(f, one, k);
    }
    if (!f->lies) check_known(f, one);
    end(one), end(many);
    free(bytes);
done:
    free(f), free(one), free(many);
    return 0;
}
