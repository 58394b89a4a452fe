/* The encoder's side: neighbours of any points are those that a search of all pairs finds; residuals of Gaussians of any numbers are refused or
   give the Gaussians back. */
#include "fuzz.h"

enum { MOST = 250 };

/* The 16 nearest before `i`, of two equally near the earlier first. */
static void nearest_of_all(const int32_t *x, const int32_t *y, int64_t i, int32_t *found) {
    int64_t distances[CORE_NEIGHBOURS];
    int32_t count = 0;
    for (int64_t j = 0; j < i; j++) {
        int64_t dx = (int64_t)x[j] - x[i], dy = (int64_t)y[j] - y[i], distance = dx * dx + dy * dy;
        int32_t k = count < CORE_NEIGHBOURS ? count++ : CORE_NEIGHBOURS;
        if (k == CORE_NEIGHBOURS && distance >= distances[--k]) continue;
        for (; k > 0 && distances[k - 1] > distance; k--) distances[k] = distances[k - 1], found[k] = found[k - 1];
        distances[k] = distance, found[k] = (int32_t)j;
    }
    for (; count < CORE_NEIGHBOURS; count++) found[count] = -1;
}

static void neighbours_of_points(input *in) {
    static const int32_t MASKS[8] = {0, 1, 3, 7, 63, 4095, (1 << 30) - 1, -1};
    int32_t mask_x = MASKS[take8(in) & 7], mask_y = MASKS[take8(in) & 7], coarse = take8(in) & 1, expected[CORE_NEIGHBOURS];
    int64_t count = (int64_t)take(in, 2) % MOST, first = (int64_t)take(in, 2) % (count + 1), size = rounded_up(core_decode_workspace(count, count));
    int32_t *x = room(count, sizeof(int32_t), 0), *y = room(count, sizeof(int32_t), 0), *found = room(count * CORE_NEIGHBOURS, sizeof(int32_t), 0xa5);
    core_site *sites = room(count, sizeof(core_site), 0xa5);
    uint8_t *workspace = workspace_of(size, 0xa5);
    int32_t sound = 1;
    for (int64_t i = 0; i < count; i++) {
        x[i] = mask_x & (coarse ? (int32_t)((uint32_t)take8(in) << 22) : take32(in));
        y[i] = mask_y & (coarse ? (int32_t)((uint32_t)take8(in) << 22) : take32(in));
        sound &= x[i] >= 0 && y[i] >= 0 && x[i] < 1 << 30 && y[i] < 1 << 30;
    }
    MUST(core_find_neighbours(x, y, count, first, found, sites, workspace, size - 64 * 1024 * 1024) == CORE_INVALID);
    MUST(core_find_neighbours(x, y, count, first, found, sites, workspace, size) == (sound ? CORE_OK : CORE_INVALID));
    for (int64_t i = 0; i < count && sound; i++) {
        nearest_of_all(x, y, i, expected);
        for (int32_t k = 0; k < CORE_NEIGHBOURS; k++) MUST(found[i * CORE_NEIGHBOURS + k] == (i < first ? -1 : expected[k]));
    }
    free(x), free(y), free(found), free(sites), free(workspace);
}

/* What the decoder does with the residuals, on sites that know the ancestors and where all Gaussians lie. */
static void check_decoder(const core_predict *t) {
    int64_t n = t->count, channels = t->steps->channels;
    int32_t *x = room(n, sizeof(int32_t), 0), *y = room(n, sizeof(int32_t), 0), *near = room(n * CORE_NEIGHBOURS, sizeof(int32_t), 0xa5);
    int32_t *angle = room(n, sizeof(int32_t), 0xa5), *colour = room(n * channels, sizeof(int32_t), 0xa5);
    core_site *sites = room(n, sizeof(core_site), 0xa5);
    for (int64_t i = 0; i < n; i++) x[i] = t->sites[i].x, y[i] = t->sites[i].y;
    MUST(core_find_neighbours(x, y, n, t->first, near, sites, t->workspace, t->workspace_bytes) == CORE_OK);
    for (int64_t i = 0; i < t->first; i++) sites[i] = t->sites[i];
    gaussian_arrays arrays = {t->columns, t->residual};
    arrays.columns.angle = angle, arrays.columns.colour = colour;
    MUST(predict(t->steps, sites, near + t->first * CORE_NEIGHBOURS, t->first, n - t->first, &arrays, 0, NULL) == CORE_OK);
    for (int64_t i = t->first; i < n; i++) MUST(angle[i] == t->columns.angle[i] && t->residual.angle[i] >= 0 && t->residual.angle[i] < sites[i].directions);
    for (int64_t i = t->first * channels; i < n * channels; i++)
        MUST(colour[i] == t->columns.colour[i] && t->residual.colour[i] >= -32768 && t->residual.colour[i] <= 32767);
    free(x), free(y), free(near), free(angle), free(colour), free(sites);
}

static void residuals(input *in) {
    core_steps steps;
    if (take_steps(in, &steps) != CORE_OK) return;
    int32_t sound = take8(in) & 3, *columns[6];
    int64_t count = take8(in) % 64, first = take8(in) % (count + 1), size = rounded_up(core_decode_workspace(count, count));
    for (int32_t k = 0; k < 6; k++) columns[k] = room(count, sizeof(int32_t), 0);
    int32_t *colour = room(count * steps.channels, sizeof(int32_t), 0);
    for (int64_t i = 0; i < count; i++) {
        columns[0][i] = sound ? take8(in) & 15 : take32(in);
        columns[4][i] = sound ? take8(in) & 63 : take32(in);
        int64_t cells = sound ? max64(most_cells(&steps, columns[0][i]), 1) : 1;
        for (int32_t k = 1; k < 3; k++) columns[k][i] = sound ? (int32_t)((int64_t)take(in, 4) % cells) : take32(in);
        if (sound == 1) columns[1][i] = (int32_t)min64(columns[1][i] & 15, cells - 1), columns[2][i] = (int32_t)min64(columns[2][i] & 15, cells - 1);
        columns[3][i] = sound ? take8(in) % steps.log_scales : take32(in);
        columns[5][i] = sound ? take8(in) % steps.directions[columns[0][i]][columns[4][i]] : take32(in);
        for (int32_t c = 0; c < steps.channels; c++) colour[i * steps.channels + c] = sound ? take16(in) : take32(in);
    }
    core_columns given = {columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], NULL, colour};
    core_predict t = {.steps = &steps, .columns = given, .count = count, .first = first, .workspace_bytes = size};
    t.residual.angle = room(count, sizeof(int32_t), 0xa5), t.residual.colour = room(count * steps.channels, sizeof(int32_t), 0xa5);
    t.sites = room(count, sizeof(core_site), 0xa5), t.workspace = workspace_of(size, 0xa5);
    int32_t status = core_make_residuals(&t);
    MUST(status == CORE_OK || (!sound && status == CORE_INVALID));
    if (status == CORE_OK) check_decoder(&t);
    for (int32_t k = 0; k < 6; k++) free(columns[k]);
    free(colour), free(t.residual.angle), free(t.residual.colour), free(t.sites), free(t.workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, data + size};
    if (take8(&in) & 1)
        neighbours_of_points(&in);
    else
        residuals(&in);
    return 0;
}
