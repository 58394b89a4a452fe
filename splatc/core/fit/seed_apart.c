/* Exclusion: points that keep their distance to each other (SmartSplat, section 3, "Uniform sampling with exclusion").

   Cells are at least as wide as the radius, so that only nine matter to a candidate. Candidates are drawn evenly over the picture; so the cells that they ask
   hold, on the mean, nine times the points over the cells, however the points are spread. */
#include "seed.h"

#include "internal.h"

typedef struct cell {
    int64_t column, row;
} cell;

static int64_t place_of(double at, double length, int64_t cells) {
    int64_t place = floor64(at / length * (double)cells);
    return min64(max64(place, 0), cells - 1);
}

static cell cell_of(const core_apart *t, const float *point) {
    return (cell){place_of((double)point[0], t->width, t->columns), place_of((double)point[1], t->height, t->rows)};
}

static const float *point_at(const core_apart *t, int64_t i) {
    return i < t->point_count ? t->points + 2 * i : t->candidates + 2 * (i - t->point_count);
}

static void insert(const core_apart *t, int64_t i) {
    cell here = cell_of(t, point_at(t, i));
    int32_t *head = t->heads + here.row * t->columns + here.column;
    t->links[i] = *head;
    *head = (int32_t)i;
}

static int32_t has_room(const core_apart *t, const float *candidate) {
    cell here = cell_of(t, candidate);
    double least = t->radius * t->radius;
    for (int64_t row = max64(here.row - 1, 0); row <= min64(here.row + 1, t->rows - 1); row++)
        for (int64_t column = max64(here.column - 1, 0); column <= min64(here.column + 1, t->columns - 1); column++)
            for (int64_t i = t->heads[row * t->columns + column]; i >= 0; i = t->links[i]) {
                const float *point = point_at(t, i);
                double dx = (double)point[0] - (double)candidate[0], dy = (double)point[1] - (double)candidate[1];
                if (dx * dx + dy * dy < least) return 0;
            }
    return 1;
}

/* Whether so many cells of a side are wide enough: also where their borders are rounded. */
static int32_t cells_are_wide(double length, int64_t cells, double radius) {
    return cells == 1 || (cells > 1 && length / (double)cells >= radius * (1.0 + 1e-6));
}

int32_t core_keep_apart(const core_apart *t) {
    if (t == NULL || t->point_count < 0 || t->candidate_count < 0 || t->point_count > INT32_MAX - t->candidate_count) return CORE_INVALID;
    if (!(t->width > 0.0 && t->height > 0.0 && t->radius >= 0.0) || t->columns < 1 || t->rows < 1 || t->columns > 1 << 30 || t->rows > (1 << 30) / t->columns) return CORE_INVALID;
    if (!cells_are_wide(t->width, t->columns, t->radius) || !cells_are_wide(t->height, t->rows, t->radius)) return CORE_INVALID;
    if ((t->point_count > 0 && t->points == NULL) || (t->candidate_count > 0 && t->candidates == NULL)) return CORE_INVALID;
    if (t->heads == NULL || t->links == NULL || t->accepted == NULL) return CORE_INVALID;
    memset(t->heads, 0xff, (size_t)(t->columns * t->rows) * sizeof *t->heads); /* -1: no point */
    for (int64_t i = 0; i < t->point_count; i++) insert(t, i);
    for (int64_t k = 0; k < t->candidate_count; k++) {
        t->accepted[k] = (uint8_t)has_room(t, t->candidates + 2 * k);
        if (t->accepted[k]) insert(t, t->point_count + k);
    }
    return CORE_OK;
}
