/* Integers of any value -> Gaussians -> a view of any numbers -> lists of tiles, which may lie. Whatever comes in, nothing is read or written
   outside of the buffers; lists hold each Gaussian once a tile, in ascending order, and as many as were counted. */
#include "fuzz_view.h"

static void dequantize(input *in) {
    core_steps steps;
    if (take_steps(in, &steps) != CORE_OK) return;
    int32_t sound = take8(in) & 1, *columns[7], *colour;
    int64_t count = take8(in) % 20;
    for (int32_t k = 0; k < 7; k++) columns[k] = room(count, sizeof(int32_t), 0);
    colour = room(count * steps.channels, sizeof(int32_t), 0);
    float *values = room(count * (5 + steps.channels), sizeof(float), 0xa5);
    for (int64_t i = 0; i < count; i++) {
        for (int32_t k = 0; k < 7; k++) columns[k][i] = take32(in);
        for (int32_t c = 0; c < steps.channels; c++) colour[i * steps.channels + c] = sound ? take16(in) : take32(in);
        if (!sound) continue;
        columns[0][i] &= 15, columns[1][i] &= (1 << 26) - 1, columns[2][i] &= (1 << 26) - 1, columns[4][i] &= 63;
        int32_t most[3] = {steps.log_scales, steps.directions[columns[0][i]][columns[4][i]], steps.offsets[columns[4][i]]}, at[3] = {3, 5, 6};
        for (int32_t k = 0; k < 3; k++) columns[at[k]][i] = (int32_t)((uint32_t)columns[at[k]][i] % (uint32_t)most[k]);
    }
    core_columns given = {columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], colour};
    core_gaussians floats = {values, values + 2 * count, values + 4 * count, values + 5 * count};
    int32_t status = core_dequantize(&steps, count, &given, &floats);
    MUST(status == CORE_OK || (!sound && status == CORE_INVALID));
    for (int64_t i = 0; i < count * (5 + steps.channels) && sound; i++) MUST(values[i] - values[i] == 0.0f);
    for (int64_t i = 0; i < count && sound; i++) { /* the mean lies in its cell; half an ulp of float32 more */
        for (int32_t k = 0; k < 2; k++) {
            double side = (double)steps.position[columns[0][i]] / 4294967296.0, cell = (double)columns[1 + k][i];
            double room_left = 1e-6 * side + 1e-7 * (cell + 1.0) * side, mean = (double)values[2 * i + k];
            MUST(mean >= cell * side - room_left && mean <= (cell + 1.0) * side + room_left);
        }
        MUST(values[2 * count + 2 * i] >= values[2 * count + 2 * i + 1] && values[2 * count + 2 * i + 1] > 0.0f);
    }
    for (int32_t k = 0; k < 7; k++) free(columns[k]);
    free(colour), free(values);
}

static void check_lists(const core_view *v, const gaussians *g, const lists *l) {
    MUST(l->starts[0] == 0);
    for (int64_t tile = 0; tile < l->tiles; tile++) {
        MUST(l->starts[tile] <= l->starts[tile + 1]);
        for (int64_t k = l->starts[tile]; k < l->starts[tile + 1]; k++) {
            MUST(l->members[k] >= 0 && l->members[k] < g->count);
            MUST(k == l->starts[tile] || l->members[k - 1] < l->members[k]);
        }
    }
    /* a Gaussian whose middle lies in a tile is in its list */
    int64_t wide = CORE_TILE_WIDTH / v->samples * v->samples, high = CORE_TILE_HEIGHT / v->samples * v->samples;
    for (int64_t i = 0; i < g->count; i++) {
        const core_placed *p = g->placed + i;
        if (!(p->x >= 0 && p->x < 1e9 && p->y >= 0 && p->y < 1e9 && p->extent_x < 1e9f && p->extent_y < 1e9f)) continue;
        int64_t column = (int64_t)p->x / wide - v->tile_x, row = (int64_t)p->y / high - v->tile_y, found = 0;
        if (column < 0 || row < 0 || column >= v->tiles_x || row >= v->tiles_y) continue;
        int64_t tile = row * v->tiles_x + column;
        for (int64_t k = l->starts[tile]; k < l->starts[tile + 1]; k++) found += l->members[k] == i;
        MUST(found == 1);
    }
}

static void fill_lies(input *in, const core_view *v, const gaussians *g, const lists *l) {
    int64_t members = l->entries, *starts = room(l->tiles + 1, sizeof(int64_t), 0);
    memcpy(starts, l->starts, (size_t)(l->tiles + 1) * sizeof *starts);
    for (int32_t changes = take8(in) & 3; changes >= 0; changes--) starts[take8(in) % (l->tiles + 1)] = take8(in) & 1 ? odd_number(take8(in)) : take8(in);
    if (take8(in) & 1) members = take8(in) % (l->entries + 1);
    int32_t *filled = room(members, sizeof(int32_t), 0xa5), status = core_fill_tiles(v, g->count, g->placed, starts, l->cursor, filled, members);
    MUST(status == CORE_OK || status == CORE_INVALID);
    free(filled), free(starts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    if (take8(&in) & 1) {
        dequantize(&in);
        return 0;
    }
    core_view v = take_view(&in);
    int32_t lies = take_lie_of_view(&in, &v);
    gaussians g = take_gaussians(&in);
    if (place(&v, &g) != CORE_OK) {
        MUST(lies && core_count_entries(&v, g.count, g.placed) == -1);
        MUST(core_count_tiles(&v, g.count, g.placed, NULL) == CORE_INVALID);
        MUST(core_fill_tiles(&v, g.count, g.placed, NULL, NULL, NULL, 0) == CORE_INVALID);
        drop(&g);
        return 0;
    }
    lists l = sorted(&v, &g);
    if (l.members != NULL) {
        check_lists(&v, &g, &l);
        fill_lies(&in, &v, &g, &l);
    }
    drop_lists(&l), drop(&g);
    return 0;
}
